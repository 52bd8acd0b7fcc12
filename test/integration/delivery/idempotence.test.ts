import { expect, test } from 'vitest';
import type { Dependencies } from '../../../activities/dependencies.js';
import { EndpointLimit } from '../../../activities/endpoint-limit.js';
import { makeAttempt } from '../../../activities/make-attempt.js';
import { DEFAULT_RETRY_POLICY } from '../../../activities/retry-schedule.js';
import { createSender } from '../../../activities/send.js';
import { answer } from '../../support/behaviours.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({ worker: false });

function dependencies(): Dependencies {
  const sender = createSender({ allowNetworks: ['127.0.0.0/8'], timeoutMs: 5_000, userAgent: 'test' });
  return {
    store: stack().store,
    sender,
    attemptTimeoutMs: 5_000,
    retryPolicy: DEFAULT_RETRY_POLICY,
    endpointLimit: new EndpointLimit(),
  };
}

async function delivery() {
  const { receiver, addCalls } = stack();
  receiver.clear();
  receiver.behaviour = answer(200);
  const user_id = freshUser();
  const [call_id] = (await addCalls(1, user_id)) as [string];
  return { batch_id: `b-${user_id}`, call_id, user_id, webhook_url: receiver.url, send_type: 'create' } as const;
}

test('an execution after a recorded delivery sends nothing and returns what is recorded', async () => {
  const { receiver } = stack();
  const input = await delivery();
  const first = await makeAttempt(dependencies(), input);
  expect(await makeAttempt(dependencies(), input)).toEqual(first);
  expect(receiver.requests).toHaveLength(1);
});

test('executions in two processes at once make one attempt, and both learn its end', async () => {
  const { receiver, store } = stack();
  const input = await delivery();
  const attempts = await Promise.all([makeAttempt(dependencies(), input), makeAttempt(dependencies(), input)]);
  expect(attempts[0]).toEqual(attempts[1]);
  expect(receiver.requests).toHaveLength(1);
  expect((await store.getWebhook(input.user_id, input.call_id))?.metadata).toEqual([attempts[0]]);
});

test('an execution after a crash waits for the attempt’s deadline, records it as interrupted, and sends the same webhook', async () => {
  const { receiver, store } = stack();
  const input = await delivery();
  // What a process leaves behind that dies after it has opened its attempt.
  const opened = await store.openAttempt({ ...input, timeout_ms: 1, payload: { from: 'calls' } });
  const attempt = await makeAttempt(dependencies(), input);
  const webhook = await store.getWebhook(input.user_id, input.call_id);
  expect(webhook?.metadata).toEqual([expect.objectContaining({ error: 'interrupted', response_code: null }), attempt]);
  expect(receiver.requests.map(({ webhookId }) => webhookId)).toEqual([
    opened.kind === 'opened' ? opened.webhook_id : undefined,
  ]);
});
