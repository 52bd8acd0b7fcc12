import { configure } from '../config/index.js';
import { openTracing, ProcessMetrics } from '../telemetry/index.js';
import { installRuntime } from '../worker/index.js';
import { aborted } from './aborted.js';
import { DEVELOPMENT_USER, developmentKey } from './development-key.js';
import { runEntryPoint } from './entry-point.js';
import { greeting } from './greeting.js';
import { sampleCalls } from './sample-calls/index.js';
import { type Stack, type StackOptions, startStack } from './stack.js';

/** The embedded stack, kept running until Ctrl-C: `npm start`. */
async function main(signal: AbortSignal): Promise<void> {
  const { config, logger } = configure(process.env);
  const metrics = new ProcessMetrics();
  await installRuntime(logger, config, metrics);

  const tracing = await openTracing({ config, logger, service: 'postcall' });
  try {
    await run({ config, logger, metrics, ...(tracing && { tracing }), onProgress: console.log, signal }, signal);
  } finally {
    await tracing?.close();
  }
}

async function run(options: StackOptions, signal: AbortSignal): Promise<void> {
  const { config } = options;
  await using stack = await startStack(options);
  const { key, created } = await developmentKey(stack.store, config.dataDir);
  if (created) await importSampleCalls(stack);
  console.log(greeting({ config, stack, apiKey: key, imported: created }));

  const failure = await Promise.race([aborted(signal), stack.failed]);
  if (failure) throw failure;
}

async function importSampleCalls(stack: Stack): Promise<void> {
  await stack.store.upsertCalls(
    sampleCalls().map((call) => ({ call_id: call.call_id, user_id: DEVELOPMENT_USER, data: call })),
  );
}

runEntryPoint(main, { interruptedCode: 0 });
