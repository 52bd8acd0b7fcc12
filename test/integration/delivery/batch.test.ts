import { Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { webhookJson } from '../../../contract/index.js';
import { historiesOf, replayRuns, textOfHistory } from '../../support/histories.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack();

async function deliver(count: number) {
  const { client, receiver } = stack();
  const user_id = freshUser();
  const call_ids = await stack().addCalls(count, user_id);
  const handle = await client.create({ user_id, call_ids, webhook_url: receiver.url });
  return { user_id, call_ids, handle, result: await handle.result() };
}

const temporal = () => new Client({ connection: stack().connection });

describe.each([1, 25, 1_200])('a batch of %i calls', (count) => {
  test('delivers each once, counts right, records its attempt, and replays', async () => {
    const { store, receiver } = stack();
    receiver.clear();
    const { user_id, call_ids, handle, result } = await deliver(count);

    expect(result).toMatchObject({
      status: 'completed',
      total: count,
      delivered: count,
      errors: [],
      errors_omitted: 0,
    });
    expect(await handle.progress()).toMatchObject({ status: 'completed', total: count, delivered: count, pending: 0 });
    expect(receiver.requests.map(({ callId }) => callId).sort()).toEqual([...call_ids].sort());
    for (const callId of call_ids) {
      const webhook = await store.getWebhook(user_id, callId);
      const [request] = receiver.requestsOf(callId);
      expect(webhook).toMatchObject({
        call_id: callId,
        status: 'delivered',
        url: receiver.url,
        user_id,
        batch_id: handle.batchId,
        next_attempt_at: null,
      });
      expect(webhook?.payload).toBe(request?.body.toString());
      expect(webhook && JSON.parse(webhookJson(webhook)).payload).toEqual(request?.json());
      expect(webhook?.metadata).toEqual([
        {
          sent_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          response_code: 200,
          response_time: expect.stringMatching(/^\d+ms$/),
          send_type: 'create',
          error: null,
        },
      ]);
    }
    await replayRuns(temporal(), handle.workflowId);
  });
});

describe('a large batch', { timeout: 240_000 }, () => {
  test('of 30,000 calls ends with a flat history, and answers progress while it runs', async () => {
    const { client, receiver } = stack();
    receiver.clear();
    const user_id = freshUser();
    const call_ids = await stack().addCalls(30_000, user_id);
    const handle = await client.create({ user_id, call_ids, webhook_url: receiver.url });
    const seen = [];
    for await (const progress of handle.watch({ interval: 200 })) seen.push(progress);
    expect(seen.some(({ delivered }) => delivered > 0 && delivered < 30_000)).toBe(true);
    for (const { pending, delivered, total } of seen) expect(pending + delivered).toBe(total);
    expect(await handle.result()).toMatchObject({ delivered: 30_000 });
    expect(receiver.requests).toHaveLength(30_000);
    const histories = await historiesOf(temporal(), handle.workflowId);
    for (const { events } of histories) expect(events?.length).toBeLessThan(5_000);
  });
});

describe('a repeated create', () => {
  test('rejects calls that have a webhook, and goes on with the others', async () => {
    const { client, receiver, store } = stack();
    const { user_id, call_ids, handle: first } = await deliver(2);
    const fresh = await stack().addCalls(1, user_id);
    receiver.clear();
    const handle = await client.create({ user_id, call_ids: [...call_ids, ...fresh], webhook_url: receiver.url });
    expect(await handle.result()).toMatchObject({
      delivered: 1,
      rejected: 2,
      errors: call_ids.map((call_id) => ({ call_id, error: 'WebhookExists' })),
    });
    expect(receiver.requests).toHaveLength(1);
    expect((await store.getWebhook(user_id, call_ids[0] as string))?.batch_id).toBe(first.batchId);
  });

  test('for another user’s calls is answered as for missing ones', async () => {
    const { client, receiver } = stack();
    const { call_ids } = await deliver(1);
    const outcomes = [];
    for (const call_id of [...call_ids, 'no-such-call']) {
      const handle = await client.create({ user_id: freshUser(), call_ids: [call_id], webhook_url: receiver.url });
      const { errors } = await handle.result();
      outcomes.push(JSON.stringify(errors).replaceAll(call_id, 'ID'));
    }
    expect(outcomes[0]).toContain('CallNotFound');
    expect(outcomes[0]).toBe(outcomes[1]);
  });

  test('that races another for the same calls leaves each call with one webhook, and tells the loser which it lost', async () => {
    const { client, receiver } = stack();
    receiver.clear();
    const user_id = freshUser();
    const call_ids = await stack().addCalls(200, user_id);
    const handles = await Promise.all(
      [call_ids, call_ids.toReversed()].map((ids) =>
        client.create({ user_id, call_ids: ids, webhook_url: receiver.url }),
      ),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results.map(({ delivered }) => delivered).reduce((sum, count) => sum + count)).toBe(200);
    expect(receiver.requests).toHaveLength(200);
    const lost = results.flatMap(({ errors }) => errors.map(({ call_id, error }) => `${call_id} ${error}`));
    expect(lost.sort()).toEqual(call_ids.map((call_id) => `${call_id} WebhookExists`).sort());
  });
});

describe('Temporal’s history', () => {
  test('holds no payload: no phone number, no transcript, no summary', async () => {
    const { client, store, receiver } = stack();
    const user_id = freshUser();
    const secrets = ['+12025550143', 'my card number is', 'Wants to cancel', 'Ada Lovelace'];
    const [to, text, summary, name] = secrets;
    const call_id = `private-${user_id}`;
    const data = { call_id, to, transcripts: [{ text }], summary, variables: { name } };
    await store.upsertCalls([{ call_id, user_id, data }]);
    const { behaviour } = receiver;
    receiver.behaviour = (_request, response) => response.writeHead(404).end(text);
    const handle = await client.create({ user_id, call_ids: [call_id], webhook_url: receiver.url });
    await expect.poll(async () => (await handle.progress()).retrying).toBe(1);
    receiver.behaviour = behaviour;
    await handle.retryNow();
    expect(await handle.result()).toMatchObject({ delivered: 1 });
    for (const history of await historiesOf(temporal(), handle.workflowId)) {
      const text = textOfHistory(history);
      expect(text).toContain(call_id);
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });
});
