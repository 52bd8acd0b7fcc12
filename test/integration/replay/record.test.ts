import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import type { BatchHandle } from '../../../client/index.js';
import { answer, type Behaviour, delayed, inTurn } from '../../support/behaviours.js';
import { historiesOf } from '../../support/histories.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';
import { HISTORIES } from './histories.js';

const { History } = proto.temporal.api.history.v1;

/** Records the histories that replay.test.ts replays: only when asked to, since a recording replaces what must keep replaying. */
describe.runIf(process.env.RECORD_HISTORIES)('recording', () => {
  const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '500ms', POSTCALL_PROBE_INTERVAL: '1h' } });
  const ok = answer(200);

  async function record(
    name: string,
    count: number,
    behaviour: Behaviour,
    meanwhile: (handle: BatchHandle) => Promise<void> = async () => undefined,
  ) {
    const { client, receiver, connection, addCalls } = stack();
    receiver.behaviour = behaviour;
    const user_id = freshUser();
    const handle = await client.create({
      user_id,
      call_ids: await addCalls(count, user_id),
      webhook_url: receiver.url,
    });
    await meanwhile(handle);
    const result = await handle.result();
    await mkdir(HISTORIES, { recursive: true });
    for (const { workflowId, history } of await historiesOf(new Client({ connection }), handle.workflowId)) {
      const file = `${name}${workflowId.slice(handle.workflowId.length)}.pb.gz`;
      await writeFile(new URL(file, HISTORIES), await promisify(gzip)(History.encode(history).finish()));
    }
    return result;
  }

  test('one page', async () => {
    expect(await record('one-page', 25, ok)).toMatchObject({ delivered: 25 });
  });

  test('several pages', async () => {
    expect(await record('several-pages', 510, ok)).toMatchObject({ delivered: 510 });
  });

  test('retries in both lanes', async () => {
    const result = await record('retried', 12, inTurn(answer(500), answer(503), answer(404), ok));
    expect(result).toMatchObject({ delivered: 12 });
  });

  test('an endpoint that outlasts the express lane', async () => {
    expect(await record('slow-endpoint', 15, delayed(1_500, ok))).toMatchObject({ delivered: 15 });
  });

  test('an endpoint that is gone', async () => {
    expect(await record('endpoint-gone', 30, answer(410))).toMatchObject({ failed: 30 });
  });

  test('a pause', async () => {
    const result = await record('paused-and-resumed', 20, inTurn(answer(500), ok), async (handle) => {
      await handle.pause();
      await expect.poll(async () => (await handle.progress()).status).toBe('paused');
      await handle.resume();
    });
    expect(result).toMatchObject({ delivered: 20 });
  });

  test('a cancellation', async () => {
    const result = await record('canceled', 20, answer(500), async (handle) => {
      await expect.poll(async () => (await handle.progress()).retrying).toBeGreaterThan(0);
      await handle.cancel();
    });
    expect(result).toMatchObject({ status: 'canceled' });
  });
});
