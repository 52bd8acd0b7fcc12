import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Program } from '../../support/program.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { WorkerProcess } from '../../support/worker-process.js';

const PATIENCE = { timeout: 60_000 };
const WITHOUT_OPTIONAL = fileURLToPath(new URL('../../support/without-optional-packages.mjs', import.meta.url));
const LEFT_OUT = { NODE_OPTIONS: `--import ${WITHOUT_OPTIONAL}` };
const TRACE_ID = 'b'.repeat(32);

/** A store, a queue and an endpoint for processes of the test's own. */
async function processes() {
  const stack = await startTestStack({ worker: false });
  const env = { NODE_ENV: 'production', ...stack.environment };
  const user_id = freshUser();
  const deliver = async () => {
    const call_ids = await stack.addCalls(1, user_id);
    const traceparent = `00-${TRACE_ID}-${'a'.repeat(16)}-01`;
    await (await stack.client.create({ user_id, call_ids, webhook_url: stack.receiver.url, traceparent })).result();
    return call_ids[0] ?? '';
  };
  return { stack, env, deliver };
}

/** What an OTLP collector gets by HTTP. */
async function startCollector(status = 200) {
  const received: { path: string | undefined; type: string | undefined; body: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    received.push({ path: request.url, type: request.headers['content-type'], body: Buffer.concat(chunks) });
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the collector listens nowhere');
  return { received, url: `http://127.0.0.1:${address.port}` };
}

test('without the variable neither worker nor API loads what makes spans', { timeout: 120_000 }, async () => {
  const { stack, env, deliver } = await processes();
  await WorkerProcess.start({ ...env, ...LEFT_OUT });
  const callId = await deliver();
  expect(stack.receiver.requestsOf(callId)).toHaveLength(1);
  const api = Program.run('api/main.js', [], { ...env, ...LEFT_OUT, PORT: '0' });
  await api.printed('the API runs');
});

test.each(['worker', 'api'])(
  'a %s that should make spans and cannot says what to install, in one line',
  async (name) => {
    const { env } = await processes();
    const program = Program.run(`${name}/main.js`, [], { ...env, ...LEFT_OUT, POSTCALL_TRACING: 'spans', PORT: '0' });
    expect((await program.exited).code).toBe(1);
    const [line = '', ...others] = program.output.trim().split('\n');
    expect(others).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ msg: expect.stringContaining('npm ci --include=optional') });
  },
);

test('a worker sends its spans by OTLP, those of its last moments as well', { timeout: 120_000 }, async () => {
  const { stack, env, deliver } = await processes();
  const collector = await startCollector();
  const OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  // Only its stop sends them.
  const OTEL_BSP_SCHEDULE_DELAY = '3600000';
  const worker = await WorkerProcess.start({
    ...env,
    POSTCALL_TRACING: 'spans',
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_SERVICE_NAME: 'calls-eu',
  });
  const callId = await deliver();
  const [request] = stack.receiver.requestsOf(callId);
  const [, traceId = '', spanId = ''] = String(request?.headers.traceparent).split('-');
  expect(traceId).toBe(TRACE_ID);
  expect((await worker.stop()).code).toBe(0);
  expect(new Set(collector.received.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
  expect(collector.received[0]?.type).toBe('application/x-protobuf');
  const sent = Buffer.concat(collector.received.map(({ body }) => body));
  for (const part of ['calls-eu', callId, 'RunWorkflow:deliverWebhooks', Buffer.from(spanId, 'hex')])
    expect(sent.includes(part)).toBe(true);
});

test('a collector that is away stops nothing, and is named once', { timeout: 120_000 }, async () => {
  const { stack, env, deliver } = await processes();
  const collector = await startCollector(400);
  const worker = await WorkerProcess.start({
    ...env,
    POSTCALL_TRACING: 'spans',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const first = await deliver();
  await expect.poll(() => worker.output, PATIENCE).toContain('spans cannot be exported');
  const before = collector.received.length;
  const second = await deliver();
  expect([first, second].map((callId) => stack.receiver.requestsOf(callId).length)).toEqual([1, 1]);
  await expect.poll(() => collector.received.length, PATIENCE).toBeGreaterThan(before);
  await worker.stop();
  expect(worker.output.split('spans cannot be exported')).toHaveLength(2);
});
