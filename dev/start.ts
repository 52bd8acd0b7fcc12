import { resolve } from 'node:path';
import { type Config, createLogger, installRuntime, loadConfig } from '../worker/index.js';
import { aborted } from './aborted.js';
import { DEVELOPMENT_USER, developmentKey } from './development-key.js';
import { runEntryPoint } from './entry-point.js';
import { sampleCalls } from './sample-calls/index.js';
import { type Stack, startStack } from './stack.js';

/** The embedded stack, kept running until Ctrl-C: `npm start`. */
async function main(signal: AbortSignal): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config);
  installRuntime(logger, config);

  await using stack = await startStack({ config, logger, onProgress: console.log, signal });
  const { key, created } = await developmentKey(stack.store, config.dataDir);
  if (created) await importSampleCalls(stack);
  console.log(greeting(config, stack, key, created));

  const failure = await Promise.race([aborted(signal), stack.failed]);
  if (failure) throw failure;
}

async function importSampleCalls(stack: Stack): Promise<void> {
  await stack.store.upsertCalls(
    sampleCalls().map((call) => ({ call_id: call.call_id, user_id: DEVELOPMENT_USER, data: call })),
  );
}

function greeting(config: Config, stack: Stack, key: string, first: boolean): string {
  const [sample] = sampleCalls();
  const facts = [
    ['API', stack.apiUrl],
    ['API key', `${key} (user "${DEVELOPMENT_USER}")`],
    ['Web UI', stack.uiUrl],
    ['Temporal', stack.temporalAddress],
    ['Database', config.databaseUrl === undefined ? `PGlite in ${resolve(config.dataDir)}` : 'PostgreSQL'],
  ];
  return [
    '',
    'ready',
    '',
    ...facts.filter(([, value]) => value !== undefined).map(([name = '', value]) => `  ${name.padEnd(10)}${value}`),
    '',
    ...(first
      ? [`  25 sample calls of user "${DEVELOPMENT_USER}" have been imported. Create a webhook for one of them:`]
      : []),
    ...(first
      ? [`    npx postcall create --user-id ${DEVELOPMENT_USER} --url https://example.com/hook ${sample?.call_id}`]
      : []),
    ...(config.allowNetworks.length === 0
      ? ['  Endpoints on this machine are refused; POSTCALL_ALLOW_NETWORKS=127.0.0.0/8 allows them.']
      : []),
    '  Ctrl-C stops everything; the next start goes on where it stopped.',
    '',
  ].join('\n');
}

runEntryPoint(main, { interruptedCode: 0 });
