import { runEntryPoint } from './entry-point.js';
import { findTemporalCli } from './temporal-cli.js';

/** Finds, downloads or builds the Temporal CLI, so that nothing has to wait for it later, and prints its path. */
async function main(signal: AbortSignal): Promise<void> {
  const cliPath = process.env.TEMPORAL_CLI_PATH;
  console.log(await findTemporalCli({ cliPath, onProgress: console.error, signal }));
}

runEntryPoint(main);
