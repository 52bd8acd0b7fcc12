import { expect, test } from 'vitest';
import { ENCRYPTED_COLUMNS } from '../../../store/encryption/columns.js';
import { EncryptionKeyMissingError } from '../../../store/index.js';
import { describeStores, openRequest, part, register } from '../../support/stores.js';

interface Column {
  /** What becomes of it where a failed webhook is erased, or sent again. */
  erased: 'kept' | 'emptied' | 'set';
  resent: 'kept' | 'changed';
  /** `text`: of the call itself, or a secret; it is encrypted, and erased. */
  holds: 'text' | 'facts';
}

const COLUMNS: Record<string, Column> = {
  user_id: { erased: 'kept', resent: 'kept', holds: 'facts' },
  call_id: { erased: 'kept', resent: 'kept', holds: 'facts' },
  id: { erased: 'kept', resent: 'kept', holds: 'facts' },
  url: { erased: 'kept', resent: 'kept', holds: 'facts' },
  endpoint: { erased: 'kept', resent: 'kept', holds: 'facts' },
  payload: { erased: 'emptied', resent: 'kept', holds: 'text' },
  batch_id: { erased: 'kept', resent: 'changed', holds: 'facts' },
  status: { erased: 'kept', resent: 'changed', holds: 'facts' },
  error: { erased: 'kept', resent: 'changed', holds: 'facts' },
  reason: { erased: 'kept', resent: 'changed', holds: 'facts' },
  step: { erased: 'kept', resent: 'changed', holds: 'facts' },
  interruptions: { erased: 'kept', resent: 'changed', holds: 'facts' },
  interruptions_alone: { erased: 'kept', resent: 'changed', holds: 'facts' },
  next_attempt_at: { erased: 'emptied', resent: 'changed', holds: 'facts' },
  not_before: { erased: 'emptied', resent: 'changed', holds: 'facts' },
  waiting_since: { erased: 'emptied', resent: 'changed', holds: 'facts' },
  wakes: { erased: 'kept', resent: 'changed', holds: 'facts' },
  created_at: { erased: 'kept', resent: 'kept', holds: 'facts' },
  accepted_at: { erased: 'kept', resent: 'changed', holds: 'facts' },
  settled_at: { erased: 'kept', resent: 'changed', holds: 'facts' },
  erased_at: { erased: 'set', resent: 'kept', holds: 'facts' },
};

type Row = Record<string, unknown>;

const named = (is: (column: Column) => boolean): string[] =>
  Object.entries(COLUMNS).flatMap(([name, column]) => (is(column) ? [name] : []));

const changed = (before: Row, after: Row): string[] =>
  Object.keys(before).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));

describeStores('a column of a webhook', (harness) => {
  /** A failed webhook. What a column that is empty would become tells nothing: each has a value that none has by default. */
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
    const before = await read();
    expect(Object.keys(before).filter((name) => before[name] === null)).toEqual(
      named(({ erased }) => erased === 'set'),
    );
    return { ref, before, read };
  }

  test('is kept or emptied by an erasure', async () => {
    const { ref, before, read } = await failedWebhook();
    await harness().store.eraseCall(ref);
    const after = await read();
    expect(Object.keys(before).sort()).toEqual(Object.keys(COLUMNS).sort());
    expect(changed(before, after).sort()).toEqual(named(({ erased }) => erased !== 'kept').sort());
    for (const name of named(({ erased }) => erased === 'emptied')) expect(after[name]).toBeNull();
  });

  test('is kept or changed by a resend', async () => {
    const { ref, before, read } = await failedWebhook();
    const { user_id, call_id } = ref;
    const resend = part({ user_id, call_ids: [call_id], send_type: 'resend' });
    await harness().store.registerBatches({
      workflow_id: 'postcall-again',
      accepted_at: Date.now(),
      calls: false,
      parts: [resend],
    });
    expect(changed(before, await read()).sort()).toEqual(named(({ resent }) => resent === 'changed').sort());
  });

  test('is encrypted, and erased, where it holds text', () => {
    const text = named(({ holds }) => holds === 'text');
    const encrypted = ENCRYPTED_COLUMNS.filter((column) => column.startsWith('webhooks.'));
    expect(encrypted).toEqual(text.map((name) => `webhooks.${name}`));
    expect(text.filter((name) => COLUMNS[name]?.erased !== 'emptied')).toEqual([]);
  });

  test.each(named(({ holds }) => holds === 'text'))(
    'opens no attempt without the key of its text: %s',
    async (name) => {
      const { store, query } = harness();
      const { ref } = await register(store);
      const { user_id, call_id } = ref;
      await query(`update webhooks set ${name} = 'enc1:lost:00000000:AAAA' where user_id = $1 and call_id = $2`, [
        user_id,
        call_id,
      ]);
      await expect(store.openAttempt(openRequest(ref))).rejects.toBeInstanceOf(EncryptionKeyMissingError);
      expect(await query('select from attempts where batch_id = $1', [ref.batch_id])).toEqual([]);
    },
  );
});
