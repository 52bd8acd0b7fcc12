import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freshUser, startTestStack } from '../../support/stack.js';

/** How often each call has been asked for. */
const asked = new Map<string, number>();
/** Whether the calls that nothing is the matter with have been delivered: nothing else comes before. */
let othersAreThrough = () => false;

/** Answers by the beginning of a call's ID, and by how often it was asked for. */
function answerTo(callId: string, times: number): { status: number; body: string } {
  const record = (completed: unknown) => ({ status: 200, body: JSON.stringify({ call_id: callId, completed }) });
  switch (callId.split('-')[0]) {
    case 'late':
      return times >= 3 && othersAreThrough() ? record(true) : { status: 404, body: '{}' };
    case 'writing':
      return record(times >= 3 && othersAreThrough());
    case 'ownerless':
      return { status: 200, body: JSON.stringify({ call_id: callId, user_id: ['one'], completed: true }) };
    default:
      return record(true);
  }
}

async function callSource(): Promise<string> {
  const server = createServer((request, response) => {
    const callId = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    const times = (asked.get(callId) ?? 0) + 1;
    asked.set(callId, times);
    const { status, body } = answerTo(callId, times);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/calls`;
}

test('records that come late, or are still being written, are waited for and hold up no other call', {
  timeout: 90_000,
}, async () => {
  const stack = await startTestStack({
    environment: {
      CALLS_URL: await callSource(),
      CALLS_GRACE: '1h',
      CALLS_READY_FIELD: 'completed',
      CALLS_READY_TIMEOUT: '1h',
    },
  });
  const { client, receiver, store } = stack;
  const user_id = freshUser();
  const named = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind}-${user_id}-${n}`);
  const late = [...named('late', 5), ...named('writing', 5)];
  const ownerless = named('ownerless', 5);
  const fine = named('fine', 300);
  othersAreThrough = () => fine.every((callId) => receiver.requestsOf(callId).length === 1);
  const call_ids = [...late, ...ownerless, ...fine];
  const batch = await client.create({ user_id, call_ids, webhook_url: receiver.url });

  expect(await batch.result()).toMatchObject({ delivered: 310, rejected: 0, failed: 5 });
  expect(receiver.requests.map(({ callId }) => callId).toSorted()).toEqual([...fine, ...late].toSorted());
  for (const id of ownerless) {
    const reason = "the record's user_id is neither a string nor a number";
    expect(await store.getWebhook(user_id, id)).toMatchObject({ status: 'failed', reason, metadata: [] });
  }
  for (const id of [...fine, ...ownerless]) expect(asked.get(id)).toBe(1);
});
