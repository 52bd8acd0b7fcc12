import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { answer, neverAnswer } from '../../support/behaviours.js';
import { freshUser, startTestStack } from '../../support/stack.js';

/** What a call source answers for a call, by the beginning of its ID. */
const FAULTS: Record<string, (response: ServerResponse) => void> = {
  gone: (response) => response.writeHead(410).end(),
  refused: (response) => response.writeHead(422).end('{}'),
  page: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
  list: (response) => response.writeHead(200).end('[]'),
  huge: (response) => response.writeHead(200).end(`{"x": "${'x'.repeat(11_000_000)}"}`),
  deep: (response) => response.writeHead(200).end(`{"x": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
  hangs: () => undefined,
  away: (response) => response.writeHead(500).end(),
};

async function callSource(): Promise<string> {
  const server = createServer((request, response) => {
    const callId = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    const fault = FAULTS[callId.split('-')[0] ?? ''];
    if (fault) fault(response);
    else response.writeHead(200).end(JSON.stringify({ call_id: callId, summary: 'Wants a call back.' }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`;
}

const FINAL = ['gone', 'refused', 'page', 'list', 'huge', 'deep'];

describe('calls that cannot be read', { timeout: 120_000 }, () => {
  test('hold up none of the others, are failed with the reason, and end with a cancellation', async () => {
    const stack = await startTestStack({ environment: { CALLS_URL: await callSource() } });
    const { client, receiver, store } = stack;
    const user_id = freshUser();
    const readable = Array.from({ length: 1_400 }, (_, index) => `fine-${user_id}-${index}`);
    const faulty = Object.keys(FAULTS).flatMap((fault) =>
      Array.from({ length: 12 }, (_, index) => `${fault}-${user_id}-${index}`),
    );
    const call_ids = [...faulty, ...readable];
    const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    await expect
      .poll(() => batch.progress(), { timeout: 40_000 })
      .toMatchObject({ delivered: 1_400, failed: 12 * FINAL.length, pending: 24 });
    for (const fault of FINAL) {
      const webhook = await store.getWebhook(user_id, `${fault}-${user_id}-0`);
      expect(webhook).toMatchObject({ status: 'failed', reason: expect.stringMatching(/\w/), metadata: [] });
    }
    await batch.cancel();
    expect(await batch.result()).toMatchObject({ status: 'canceled', canceled: 24, delivered: 1_400 });
  });

  test('are failed at the horizon where their source is away', async () => {
    const stack = await startTestStack({
      environment: { CALLS_URL: await callSource(), POSTCALL_RETRY_HORIZON: '3s' },
    });
    const user_id = freshUser();
    const call_id = `away-${user_id}`;
    const batch = await stack.client.create({ user_id, call_ids: [call_id], webhook_url: stack.receiver.url });
    expect(await batch.result()).toMatchObject({ failed: 1, errors: [{ error: 'CallUnreadable' }] });
    expect(await stack.store.getWebhook(user_id, call_id)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/\w/),
    });
  });
});

test.each(['signal', 'workflow cancel'])(
  'a %s ends a batch whatever its endpoint and its call source do',
  async (how) => {
    const stack = await startTestStack({
      environment: { CALLS_URL: await callSource(), POSTCALL_ATTEMPT_TIMEOUT: '2s', POSTCALL_RETRY_SCHEDULE: '1h' },
    });
    const { client, receiver, connection } = stack;
    receiver.behaviour = (request, response) =>
      (request.callId?.endsWith('1') ? neverAnswer : answer(500))(request, response);
    const user_id = freshUser();
    const call_ids = ['hangs', 'away', 'fine'].flatMap((kind) =>
      [0, 1, 2].map((index) => `${kind}-${user_id}-${index}`),
    );
    const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    await expect.poll(() => receiver.requests.length).toBeGreaterThanOrEqual(3);
    if (how === 'signal') await batch.cancel();
    else
      await connection.workflowService.requestCancelWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: batch.workflowId },
      });
    expect(await batch.result()).toMatchObject({ status: 'canceled', canceled: 9 });
  },
);
