import { expect, test } from 'vitest';
import { knownBatch } from '../../../api/answers/known-batch.js';
import type { Dependencies } from '../../../api/dependencies.js';
import type { BatchDescription } from '../../../client/index.js';
import type { StoredBatch } from '../../../store/index.js';

const stored: StoredBatch = {
  batch_id: 'b_1.0',
  user_id: 'u-1',
  workflow_id: 'postcall-b_1',
  accepted_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
  paused: false,
  registered: true,
  endpoints: [{ url: 'https://a.example/', state: 'down', since: '2026-01-01T00:00:05.000Z' }],
  rejected_calls: [{ call_id: 'c-1', error: 'CallNotFound' }],
  total: 6,
  delivered: 1,
  retrying: 1,
  failed: 1,
  rejected: 1,
  canceled: 0,
  pending: 2,
};
const described: BatchDescription = {
  batch_id: 'b_1.0',
  user_id: 'u-1',
  total: 6,
  status: 'running',
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
};

const known = (batch: StoredBatch | undefined, description: BatchDescription = described) =>
  knownBatch(
    {
      store: { readBatch: async () => batch },
      client: { getHandle: () => ({ describe: async () => description }) },
    } as unknown as Dependencies,
    { user_id: 'u-1', batch_id: 'b_1.0' },
  );

const FINISHED_AT = '2026-01-01T00:01:00.000Z';

test.each<[string, Partial<StoredBatch>, string]>([
  ['running', {}, 'running'],
  ['paused', { paused: true }, 'paused'],
  ['completed', { finished_at: FINISHED_AT }, 'completed'],
  ['completed, though it was paused before', { finished_at: FINISHED_AT, paused: true }, 'completed'],
  ['canceled', { finished_at: FINISHED_AT, canceled: 1 }, 'canceled'],
  ['running, while some calls are canceled already', { canceled: 1 }, 'running'],
])('a batch is %s as the store has it', async (_, changes, status) => {
  const batch = { ...stored, ...changes };
  const { workflow_id: _w, user_id: _u, paused: _p, registered: _r, rejected_calls: _c, accepted_at, ...rest } = batch;
  expect(await known(batch)).toEqual({ ...rest, status, started_at: accepted_at });
});

test('a batch that is not registered yet is all pending, as its start says', async () => {
  expect(await known(undefined)).toMatchObject({
    status: 'running',
    total: 6,
    pending: 6,
    delivered: 0,
    endpoints: [],
  });
});

test("another user's batch is none", async () => {
  await expect(known(undefined, { ...described, user_id: 'u-2' })).rejects.toMatchObject({ status: 404 });
});
