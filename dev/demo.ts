import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { BatchHandle } from '../client/index.js';
import { type Config, loadConfig } from '../config/index.js';
import { freePort } from '../contract/free-port.js';
import type { StoredWebhook } from '../contract/index.js';
import { installRuntime } from '../worker/index.js';
import { aborted } from './aborted.js';
import { showProgress } from './demo-progress.js';
import { DemoReceiver } from './demo-receiver.js';
import { attemptsTable } from './demo-table.js';
import { ExpectedError, runEntryPoint } from './entry-point.js';
import { sampleCalls } from './sample-calls/index.js';
import { type Stack, startStack } from './stack.js';

const USER = 'demo';
/** How long the receiver refuses every connection. */
const OUTAGE_MS = 8_000;
/** A demo whose deliveries take longer has failed. */
const LIMIT_MS = 120_000;

const calls = sampleCalls();

/**
 * The main job on the embedded stack: `npm run demo`. Fails unless every sample call's webhook is delivered through an outage of
 * the receiver, byte for byte. With `--keep` the stack runs on, for a look around in the Temporal Web UI.
 */
async function main(interruption: AbortSignal): Promise<void> {
  const config = await demoConfig();
  const logFile = join(config.dataDir, 'demo.log');
  const logger = pino({ level: 'info' }, pino.destination({ dest: logFile, sync: true }));
  await installRuntime(logger, config);

  console.log('\nStarting Temporal, the store and a worker on this machine ...\n');
  await using stack = await startStack({ config, logger, api: false, onProgress: console.log, signal: interruption });
  const { secret } = await stack.store.createSigningSecret(USER);
  await using receiver = await DemoReceiver.create(secret);

  const startedAt = Date.now();
  const batch = await createBatch(stack, receiver.url);
  const webUi = webUiOf(batch, stack, config);
  console.log(`  ${calls.length} calls, one webhook each, to ${receiver.url}`);
  console.log(`  The receiver refuses every connection for the first ${OUTAGE_MS / 1_000} seconds.`);
  console.log(`  Temporal Web UI: ${webUi}\n`);

  await deliver(batch, receiver, stack, interruption);
  const webhooks = await webhooksOf(batch, stack);
  console.log(`\n${attemptsTable(calls, webhooks, startedAt)}\n`);
  requireDelivered(webhooks, receiver);

  console.log(`  All ${calls.length} webhooks were delivered, and each payload arrived byte for byte, signed.`);
  console.log(`  Worker's log: ${relative('', logFile)}`);
  console.log(`  Temporal Web UI: ${webUi}`);
  if (!process.argv.includes('--keep')) {
    console.log('  It ends with the demo; `npm run demo -- --keep` leaves it running.\n');
    return;
  }
  console.log('  It runs until Ctrl-C.\n');
  await aborted(interruption);
}

/** Ports, folder and task queue of its own, so that it runs beside `npm start`; it begins with nothing each time. */
async function demoConfig(): Promise<Config> {
  const temporal = Object.entries(process.env).filter(([name]) => name.startsWith('TEMPORAL_'));
  const dataDir = join(process.env.POSTCALL_DATA_DIR || '.postcall', 'demo');
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  return loadConfig({
    ...Object.fromEntries(temporal),
    TEMPORAL_PORT: String(await freePort()),
    TEMPORAL_UI_PORT: String(await freePort()),
    TEMPORAL_TASK_QUEUE: `postcall-demo-${process.pid}`,
    POSTCALL_DATA_DIR: dataDir,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    POSTCALL_RETRY_SCHEDULE: '1s,2s,4s',
    POSTCALL_PROBE_INTERVAL: '2s',
  });
}

async function createBatch(stack: Stack, webhookUrl: string): Promise<BatchHandle> {
  await stack.store.upsertCalls(calls.map((call) => ({ call_id: call.call_id, user_id: USER, data: call })));
  return stack.client.create({
    user_id: USER,
    call_ids: calls.map(({ call_id }) => call_id),
    webhook_url: webhookUrl,
  });
}

function webUiOf(batch: BatchHandle, stack: Stack, config: Config): string {
  if (stack.uiUrl === undefined) return `that of ${stack.temporalAddress}, workflow ${batch.workflowId}`;
  return `${stack.uiUrl}/namespaces/${config.temporal.namespace}/workflows/${batch.workflowId}`;
}

/** Shows the progress until the batch has ended, with the receiver coming up on the way. */
async function deliver(batch: BatchHandle, receiver: DemoReceiver, stack: Stack, interruption: AbortSignal) {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const end = new AbortController();
  const signal = AbortSignal.any([interruption, limit, end.signal]);
  const comeUp = delay(OUTAGE_MS, undefined, { signal }).then(() => receiver.listen());
  const failed = stack.failed.then((error) => Promise.reject(error));
  try {
    await Promise.race([Promise.all([comeUp, showProgress(batch, signal)]), failed]);
  } catch (error) {
    if (limit.aborted) throw demoFailed([`The batch had not ended after ${LIMIT_MS / 1_000} seconds.`]);
    throw error;
  } finally {
    end.abort();
  }
}

async function webhooksOf(batch: BatchHandle, stack: Stack): Promise<Map<string, StoredWebhook>> {
  const query = { user_id: USER, batch_id: batch.batchId, limit: calls.length };
  const { webhooks } = await stack.store.listBatchWebhooks(query);
  return new Map(webhooks.map((webhook) => [webhook.call_id, webhook]));
}

function requireDelivered(webhooks: Map<string, StoredWebhook>, receiver: DemoReceiver): void {
  const problems = calls.flatMap(({ call_id }) => problemWith(call_id, webhooks.get(call_id), receiver) ?? []);
  if (receiver.unsigned > 0) problems.push(`${receiver.unsigned} requests had a wrong signature`);
  if (problems.length > 0) throw demoFailed(problems);
}

const demoFailed = (problems: string[]): ExpectedError =>
  new ExpectedError(`The demo has failed:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);

function problemWith(callId: string, webhook: StoredWebhook | undefined, receiver: DemoReceiver): string | undefined {
  if (!webhook) return `${callId} has no webhook`;
  if (webhook.status !== 'delivered')
    return `${callId} is ${webhook.status}: ${webhook.reason ?? 'no reason is recorded'}`;
  const stored = Buffer.from(webhook.payload ?? '');
  const copies = [...receiver.bodies.values()].flat().filter((body) => body.equals(stored)).length;
  return copies === 1 ? undefined : `${callId} arrived ${copies} times with the bytes that are stored`;
}

runEntryPoint(main);
