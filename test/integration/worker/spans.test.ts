import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createTracing } from '../../../telemetry/open-telemetry.js';
import { sharedApi } from '../../support/api.js';
import { answer, inTurn, reset } from '../../support/behaviours.js';
import { historiesOf, replay, replayTraced } from '../../support/histories.js';
import { testLogger } from '../../support/stack.js';
import { connectClient } from '../../support/temporal.js';

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';
const [ONE, TWO, THREE] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string];
const CALLER = 'a'.repeat(16);
const traceparent = (traceId: string, flags = '01') => ({ traceparent: `00-${traceId}-${CALLER}-${flags}` });

vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20');
vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
const exporter = new InMemorySpanExporter();
const spans = createTracing({ exporter, logger: testLogger(), service: 'test' });
const api = sharedApi({ spans, tracing: spans.requests, environment: { POSTCALL_RETRY_SCHEDULE: '100ms' } });
afterAll(() => spans.close());

const ended = (): ReadableSpan[] => exporter.getFinishedSpans();
const attemptsOf = (callId: string) => ended().filter(({ attributes }) => attributes['postcall.call_id'] === callId);
const headersOf = (callId: string) =>
  api()
    .stack.receiver.requestsOf(callId)
    .map(({ headers }) => headers.traceparent);
const idsOf = (span: ReadableSpan | undefined) => `00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-01`;
const namesOf = (traceId: string) =>
  ended().flatMap((span) => (span.spanContext().traceId === traceId ? [span.name] : []));

async function calls(count: number) {
  const user = await api().newUser();
  const call_ids = await api().stack.addCalls(count, user.userId);
  const create = (index: number, headers: Record<string, string>, more: object = {}) =>
    user.post(CREATE, { call_ids: [call_ids[index]], webhook_url: api().stack.receiver.url, ...more }, headers);
  return { user, call_ids, create, idOf: (index: number) => call_ids[index] ?? '' };
}

describe('spans', () => {
  test('of a request, of what the SDK does for it, and of its attempt are one trace, which the endpoint goes on', async () => {
    const { user, create, idOf } = await calls(1);
    await create(0, traceparent(ONE));
    await expect.poll(() => attemptsOf(idOf(0))).toHaveLength(1);
    const [attempt] = attemptsOf(idOf(0));
    expect(headersOf(idOf(0))).toEqual([idsOf(attempt)]);

    const sdk = ['StartWorkflow', 'RunWorkflow'].map((name) => `${name}:deliverWebhooks`);
    const names = [...sdk, 'RunActivity:deliverWebhook', `POST ${CREATE}`, 'POST'];
    await expect.poll(() => namesOf(ONE)).toEqual(expect.arrayContaining(names));
    const request = ended().find((span) => span.name === `POST ${CREATE}` && span.spanContext().traceId === ONE);
    expect(request).toMatchObject({
      kind: SpanKind.SERVER,
      parentSpanId: CALLER,
      attributes: { 'http.request.method': 'POST', 'http.route': CREATE, 'http.response.status_code': 200 },
    });
    const activity = ended().find((span) => span.name === 'RunActivity:deliverWebhook');
    expect(attempt).toMatchObject({
      kind: SpanKind.CLIENT,
      parentSpanId: request?.spanContext().spanId,
      links: [{ context: { spanId: activity?.spanContext().spanId } }],
      status: { code: SpanStatusCode.UNSET },
    });
    expect(attempt?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(api().stack.receiver.url).port),
      'postcall.batch_id': expect.stringMatching(/\./),
      'postcall.user_id': user.userId,
      'postcall.call_id': idOf(0),
      'postcall.send_type': 'create',
      'postcall.attempt': 1,
    });
    expect(attempt?.resource.attributes).toMatchObject({
      'service.name': 'test',
      'service.version': expect.any(String),
      'deployment.environment.name': 'test',
    });
  });

  test('of failed attempts have the status error, and each attempt names itself', async () => {
    const { create, idOf } = await calls(1);
    api().stack.receiver.behaviour = inTurn(answer(503), reset, reset, answer(200));
    await create(0, traceparent(ONE));
    await expect.poll(() => attemptsOf(idOf(0)).at(-1)?.status.code).toBe(SpanStatusCode.UNSET);
    const attempts = attemptsOf(idOf(0));
    const [refused, broken] = attempts;
    expect(refused).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'http.response.status_code': 503, 'error.type': '503' },
    });
    expect(broken).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: expect.stringMatching(/./) },
      attributes: { 'error.type': 'reset', 'http.request.resend_count': 1, 'postcall.attempt': 2 },
    });
    // An attempt whose kept connection is reset sends its request a second time.
    expect([...new Set(headersOf(idOf(0)))]).toEqual(attempts.map(idsOf));
    api().stack.receiver.behaviour = answer(200);
  });

  test('of a resend are of the trace of its own request', async () => {
    const { user, call_ids, create, idOf } = await calls(1);
    await create(0, traceparent(ONE));
    await expect.poll(async () => (await user.post(RESEND, { call_ids }, traceparent(TWO))).status).toBe(200);
    await expect.poll(() => attemptsOf(idOf(0))).toHaveLength(2);
    expect(attemptsOf(idOf(0)).map((span) => span.spanContext().traceId)).toEqual([ONE, TWO]);
    expect(attemptsOf(idOf(0))[1]?.attributes).toMatchObject({ 'postcall.send_type': 'resend' });
  });

  test('of batches that share a workflow stay in their own traces', async () => {
    const { user, call_ids, idOf } = await calls(3);
    const { client, receiver } = api().stack;
    const traces = [THREE, ONE, TWO];
    const batches = await Promise.all(
      traces.map((traceId, index) =>
        client.create({
          user_id: user.userId,
          call_ids: call_ids.slice(index, index + 1),
          webhook_url: receiver.url,
          ...traceparent(traceId),
        }),
      ),
    );
    // The first one starts at once, and the others go together.
    expect(batches[1]?.workflowId).toBe(batches[2]?.workflowId);
    const attempts = () => traces.map((_, index) => attemptsOf(idOf(index))[0]);
    await expect.poll(() => attempts().every((span) => span !== undefined)).toBe(true);
    expect(attempts().map((span) => span?.spanContext().traceId)).toEqual(traces);
    expect(traces.map((_, index) => headersOf(idOf(index))[0])).toEqual(attempts().map(idsOf));
  });

  test('of a request that is of no trace begin one', async () => {
    const { create, idOf } = await calls(1);
    await create(0, {});
    await expect.poll(() => attemptsOf(idOf(0))).toHaveLength(1);
    const { traceId = '' } = attemptsOf(idOf(0))[0]?.spanContext() ?? {};
    expect([ONE, TWO, THREE]).not.toContain(traceId);
    await expect.poll(() => namesOf(traceId)).toContain(`POST ${CREATE}`);
    expect(headersOf(idOf(0))).toEqual(attemptsOf(idOf(0)).map(idsOf));
  });

  test('are not made where the caller does not sample, and the endpoint is told so', async () => {
    const { create, idOf } = await calls(1);
    const unsampled = '9'.repeat(32);
    await create(0, traceparent(unsampled, '00'));
    expect(headersOf(idOf(0))).toEqual([expect.stringMatching(new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`))]);
    await spans.flush();
    expect(attemptsOf(idOf(0))).toEqual([]);
    expect(namesOf(unsampled)).toEqual([]);
  });

  test('hold no path and no query of a webhook', async () => {
    const { create, idOf } = await calls(1);
    const webhook_url = `${api().stack.receiver.url}/token-7?key=secret-7`;
    await create(0, traceparent(ONE), { webhook_url });
    await expect.poll(() => attemptsOf(idOf(0))).toHaveLength(1);
    await spans.flush();
    const told = JSON.stringify(
      ended().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
    );
    expect(told).not.toMatch(/token-7|secret-7/);
  });

  test('are not made of what load balancers ask', async () => {
    await fetch(`${api().url}/healthz`);
    await spans.flush();
    expect(ended().map(({ name }) => name)).not.toContain('GET /healthz');
  });
});

test('histories that were recorded with spans replay with and without them', async () => {
  const { user, create } = await calls(2);
  const { stack } = api();
  stack.receiver.behaviour = inTurn(answer(503), answer(410));
  const created = await create(0, traceparent(ONE));
  const batchId = created.headers.get('location')?.split('/').at(-1) ?? '';
  const batch = stack.client.getHandle(batchId);
  await batch.result().catch(() => undefined);
  stack.receiver.behaviour = answer(200);
  const again = await stack.client.resendFailed({ user_id: user.userId, since: new Date(0).toISOString() });
  await again.result();

  const client = await connectClient();
  for (const workflowId of [batch.workflowId, again.workflowId]) {
    for (const history of await historiesOf(client, workflowId)) {
      await replay(history, workflowId);
      await replayTraced(history, workflowId);
    }
  }
});
