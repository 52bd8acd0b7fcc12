import { expect, test } from 'vitest';
import { ENCRYPTED_COLUMNS } from '../../../store/encryption/columns.js';
import { describeStores, part, register } from '../../support/stores.js';

/** What becomes of each column of a failed webhook. `text`: of the call itself, and then encrypted and erased. */
const COLUMNS: Record<string, { erased: 'kept' | 'emptied' | 'set'; resent: 'kept' | 'changed'; text?: true }> = {
  user_id: { erased: 'kept', resent: 'kept' },
  call_id: { erased: 'kept', resent: 'kept' },
  id: { erased: 'kept', resent: 'kept' },
  url: { erased: 'kept', resent: 'kept' },
  endpoint: { erased: 'kept', resent: 'kept' },
  payload: { erased: 'emptied', resent: 'kept', text: true },
  batch_id: { erased: 'kept', resent: 'changed' },
  status: { erased: 'kept', resent: 'changed' },
  error: { erased: 'kept', resent: 'changed' },
  reason: { erased: 'kept', resent: 'changed' },
  step: { erased: 'kept', resent: 'changed' },
  interruptions: { erased: 'kept', resent: 'changed' },
  interruptions_alone: { erased: 'kept', resent: 'changed' },
  next_attempt_at: { erased: 'emptied', resent: 'changed' },
  not_before: { erased: 'emptied', resent: 'changed' },
  waiting_since: { erased: 'emptied', resent: 'changed' },
  wakes: { erased: 'kept', resent: 'changed' },
  created_at: { erased: 'kept', resent: 'kept' },
  accepted_at: { erased: 'kept', resent: 'changed' },
  settled_at: { erased: 'kept', resent: 'changed' },
  erased_at: { erased: 'set', resent: 'kept' },
};

type Row = Record<string, unknown>;

const named = (holds: (column: (typeof COLUMNS)[string]) => boolean): string[] =>
  Object.keys(COLUMNS).filter((name) => holds(COLUMNS[name] as (typeof COLUMNS)[string]));

const changed = (before: Row, after: Row): string[] =>
  Object.keys(before).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));

describeStores('a column of a webhook', (harness) => {
  /** A failed webhook whose columns all have a value that none has by default. */
  async function failedWebhook() {
    const { store, query } = harness();
    const { ref } = await register(store, { accepted_at: Date.now() - 60_000 });
    const { user_id, call_id } = ref;
    await query(
      `update webhooks set payload = '{}', status = 'failed', error = 'ScheduleUsedUp', reason = 'r', step = 1,
         interruptions = 2, interruptions_alone = 1, next_attempt_at = now(), not_before = now(), waiting_since = now(),
         wakes = 1, settled_at = now()
       where user_id = $1 and call_id = $2`,
      [user_id, call_id],
    );
    const read = async (): Promise<Row> =>
      (await query<Row>('select * from webhooks where user_id = $1 and call_id = $2', [user_id, call_id]))[0] ?? {};
    return { user_id, call_id, read };
  }

  test('is kept or emptied by an erasure', async () => {
    const { user_id, call_id, read } = await failedWebhook();
    const before = await read();
    await harness().store.eraseCall({ user_id, call_id });
    const after = await read();
    expect(Object.keys(before).sort()).toEqual(Object.keys(COLUMNS).sort());
    expect(changed(before, after).sort()).toEqual(named(({ erased }) => erased !== 'kept').sort());
    for (const name of named(({ erased }) => erased === 'emptied')) expect(after[name]).toBeNull();
  });

  test('is kept or changed by a resend', async () => {
    const { user_id, call_id, read } = await failedWebhook();
    const before = await read();
    const resend = part({ user_id, call_ids: [call_id], send_type: 'resend' });
    await harness().store.registerBatches({
      workflow_id: 'postcall-again',
      accepted_at: Date.now(),
      calls: false,
      parts: [resend],
    });
    expect(changed(before, await read()).sort()).toEqual(named(({ resent }) => resent === 'changed').sort());
  });

  test('is encrypted where it holds text of the call', () => {
    const encrypted = ENCRYPTED_COLUMNS.filter((column) => column.startsWith('webhooks.'));
    expect(encrypted).toEqual(named(({ text }) => text === true).map((name) => `webhooks.${name}`));
  });
});
