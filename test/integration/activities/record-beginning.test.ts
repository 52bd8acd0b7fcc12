import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Beginning } from '../../../contract/index.js';
import type { Store } from '../../../store/index.js';
import { startProcess } from '../../support/activities.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { unique } from '../../support/stores.js';

let store: Store;
beforeAll(async () => {
  store = await openScratchStore();
});
afterAll(() => store.close());

const found = (at: number): Beginning => ({ at, letters: { news: 1, orders: 2, cancellations: 0 }, is_long: true });

/** Both activities that may begin a chain. */
const answers = async (beginning: Beginning): Promise<(Beginning | undefined)[]> => {
  const worker = startProcess({ store });
  const batch_id = `${unique('batch')}.0`;
  const registration = await worker.registerBatches({
    workflow_id: `postcall-${batch_id}`,
    accepted_at: Date.now(),
    parts: [
      {
        batch_id,
        user_id: unique('user'),
        send_type: 'create',
        webhook_url: 'http://one',
        call_ids: ['c'],
        offset: 0,
        total: 1,
      },
    ],
    beginning,
  });
  return [await worker.recordBeginning(beginning), registration.beginning];
};

test('a chain begins with what was found, and now where the workflow’s clock stands still', async () => {
  const before = Date.now();
  for (const { at = 0, ...rest } of (await answers(found(before - 3_600_000))) as Beginning[]) {
    const { at: _, ...expected } = found(0);
    expect(rest).toEqual(expected);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
  }
});

test('a chain begins when its workflow says where the worker’s clock is behind', async () => {
  const ahead = found(Date.now() + 3_600_000);
  expect(await answers(ahead)).toEqual([ahead, ahead]);
});
