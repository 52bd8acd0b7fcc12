import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EncryptionKeyMissingError, openStore, type Store } from '../../../store/index.js';
import { encryptionWith } from '../../support/encryption.js';
import {
  closeRequest,
  describeStores,
  mustOpen,
  openRequest,
  register,
  type StoreHarness,
  unique,
} from '../../support/stores.js';

const LARGE = JSON.stringify({ transcript: 'x'.repeat(100_000) });

/** Processes that differ in what they were given as POSTCALL_ENCRYPTION_KEYS. */
const PROCESSES = {
  none: [],
  reads: ['clear', 'old'],
  old: ['old'],
  both: ['new', 'old'],
  ahead: ['old', 'new'],
  new: ['new'],
} as const;
type Process = keyof typeof PROCESSES;
const names = Object.keys(PROCESSES) as Process[];

function keysOf(process: Process): string[] {
  return PROCESSES[process].filter((name) => name !== 'clear');
}

describeStores('encryption', (harness) => {
  const stores = {} as Record<Process, Store>;
  beforeAll(async () => {
    for (const name of names) {
      const encryption = encryptionWith(...PROCESSES[name]);
      stores[name] = await openStore({ ...harness().options, ...(PROCESSES[name].length > 0 && { encryption }) });
    }
  }, 60_000);
  afterAll(() => Promise.all(Object.values(stores).map((store) => store.close())));

  /** What the tables hold of a user. */
  async function stored(user_id: string): Promise<string> {
    const { query } = harness();
    const rows = await query(
      `select secret as value from signing_secrets where user_id = $1
       union all select data from calls where user_id = $1 union all select payload from webhooks where user_id = $1`,
      [user_id],
    );
    return JSON.stringify(rows);
  }

  test.each([
    ['small', '{"summary":"Booked"}'],
    ['large', LARGE],
  ])('keeps %s payloads and secrets from the database, and sends them as they are', async (_, text) => {
    const store = stores.both;
    const user_id = unique('user');
    const calls = ['table', 'source', 'kept'].map((name) => unique(name));
    const { id, secret } = await store.createSigningSecret(user_id);
    await store.upsertCalls([{ user_id, call_id: calls[0] as string, data: text }]);
    const { part } = await register(store, { user_id, call_ids: calls, calls: false });
    const ref = (call_id = '') => ({ batch_id: part.batch_id, user_id, call_id });
    await store.storePayload({ ...ref(calls[2]), payload: text });
    for (const [call_id, payload] of [
      [calls[0], undefined],
      [calls[1], text],
      [calls[2], undefined],
    ]) {
      const { payload: _, ...request } = openRequest(ref(call_id));
      const opened = await mustOpen(store, payload === undefined ? request : { ...request, payload });
      expect(opened.payload).toBe(text);
      expect(opened.secrets).toEqual([secret]);
      await store.closeAttempt(closeRequest(ref(call_id), opened.seq));
      expect((await store.getWebhook(user_id, call_id as string))?.payload).toBe(text);
    }
    const page = await store.listBatchWebhooks({ user_id, batch_id: part.batch_id, limit: 10 });
    expect(page.webhooks.map(({ payload }) => payload)).toEqual([text, text, text]);

    const values = await stored(user_id);
    expect(values).not.toContain(text.slice(2, 12));
    expect(values).not.toContain(secret.slice(8, 20));
    expect(values.match(/enc1:new:/g)).toHaveLength(5);
    expect(await store.listSigningSecrets(user_id)).toMatchObject([{ id }]);
  });

  test('a process without the key opens nothing, says which key it is, and goes on when it has it', async () => {
    const user_id = unique('user');
    for (const text of ['{"a":1}', LARGE]) {
      const { ref } = await register(stores.new, { user_id, call_ids: [unique('call')] });
      await stores.new.storePayload({ ...ref, payload: text });
      const { payload: _, ...request } = openRequest(ref);
      const asked = [stores.old, stores.none].flatMap((store) => [
        () => store.openAttempt(request),
        () => store.getWebhook(user_id, ref.call_id),
      ]);
      for (const ask of asked) {
        const error = await ask().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(EncryptionKeyMissingError);
        expect(String(error)).toMatch(/needs the encryption key new:[0-9a-f]{8}, which POSTCALL_ENCRYPTION_KEYS/);
      }
      const webhook = await stores.both.getWebhook(user_id, ref.call_id);
      expect(webhook).toMatchObject({ payload: text, metadata: [], status: 'pending' });
      expect((await mustOpen(stores.both, request)).payload).toBe(text);
    }
  });

  test('holds up only the webhooks whose key is missing', async () => {
    const user_id = unique('user');
    const { part } = await register(stores.new, { user_id, call_ids: ['clear', 'sealed'].map(unique) });
    const [clear = '', sealed = ''] = part.call_ids;
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id, call_id });
    await stores.none.storePayload({ ...ref(clear), payload: '{"a":1}' });
    await stores.new.storePayload({ ...ref(sealed), payload: '{"a":2}' });
    const [one, other] = await Promise.allSettled(
      [clear, sealed].map((call_id) => stores.none.openAttempt(openRequest(ref(call_id)))),
    );
    expect(one).toMatchObject({ status: 'fulfilled', value: { kind: 'opened', payload: '{"a":1}' } });
    expect(other).toMatchObject({ status: 'rejected', reason: { name: 'EncryptionKeyMissingError' } });
    const [read, unread] = await Promise.allSettled(
      [clear, sealed].map((call_id) => stores.none.getWebhook(user_id, call_id)),
    );
    expect(read).toMatchObject({ status: 'fulfilled', value: { payload: '{"a":1}' } });
    expect(unread?.status).toBe('rejected');
  });

  test('a missing key of a secret keeps its user from sending unsigned; its revocation frees them', async () => {
    const user_id = unique('user');
    const { id } = await stores.new.createSigningSecret(user_id);
    const { ref } = await register(stores.none, { user_id });
    await expect(stores.none.openAttempt(openRequest(ref))).rejects.toBeInstanceOf(EncryptionKeyMissingError);
    await stores.none.revokeSigningSecret(id);
    expect((await mustOpen(stores.none, openRequest(ref))).secrets).toEqual([]);
  });

  test.each([
    ['small', '{"a":1}', '{"a":2}'],
    ['large', LARGE, LARGE.replaceAll('x', 'y')],
  ])("a webhook that was given another row's %s payload is failed, and sends nothing", async (_, text, other) => {
    const { query } = harness();
    const user_id = unique('user');
    const { part } = await register(stores.new, { user_id, call_ids: ['one', 'two'].map(unique) });
    const [one = '', two = ''] = part.call_ids;
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id, call_id });
    await stores.new.storePayload({ ...ref(one), payload: text });
    await stores.new.storePayload({ ...ref(two), payload: other });
    await query(
      `update webhooks set payload = (select payload from webhooks where user_id = $1 and call_id = $2)
       where user_id = $1 and call_id = $3`,
      [user_id, two, one],
    );
    const { payload: __, ...request } = openRequest(ref(one));
    expect(await stores.new.openAttempt(request)).toEqual({
      kind: 'standing',
      standing: { status: 'failed', error: 'CallUnreadable' },
    });
    const [row] = await query<{ reason: string }>('select reason from webhooks where call_id = $1', [one]);
    expect(row?.reason).toBe('its stored text was changed or damaged: it cannot be decrypted');
    await expect(stores.new.getWebhook(user_id, one)).rejects.toThrow(`the stored call ${one} of user ${user_id}`);
    expect((await stores.new.getWebhook(user_id, two))?.payload).toBe(other);
    await query('delete from webhooks where call_id = $1', [one]);
  });

  test("a user that was given another's secret waits, and says so, until it is revoked", async () => {
    const { query } = harness();
    const [user_id, other] = [unique('user'), unique('user')];
    const { id } = await stores.new.createSigningSecret(user_id);
    await stores.new.createSigningSecret(other);
    await query(
      `update signing_secrets set secret = (select secret from signing_secrets where user_id = $1) where user_id = $2`,
      [other, user_id],
    );
    const { ref } = await register(stores.new, { user_id });
    const answer = await stores.new.openAttempt(openRequest(ref));
    expect(answer).toMatchObject({ kind: 'standing', standing: { status: 'retrying' } });
    const webhook = await stores.new.getWebhook(user_id, ref.call_id);
    expect(webhook?.metadata).toMatchObject([{ response_code: null, error: expect.stringContaining(`secret ${id}`) }]);
    await stores.new.revokeSigningSecret(id);
    expect((await mustOpen(stores.new, openRequest(ref, { ordered: true }))).secrets).toEqual([]);
    await query('delete from signing_secrets where id = $1', [id]);
  });

  test('reencrypt moves everything to the newest key, or into the clear, and the report says so', async () => {
    const users = (['none', 'old', 'new'] as const).map((by) => ({ by, user_id: unique(by), text: `{"by":"${by}"}` }));
    for (const { by, user_id, text } of users) {
      await stores[by].createSigningSecret(user_id);
      await stores[by].upsertCalls([{ user_id, call_id: 'c', data: text }]);
      await register(stores[by], { user_id, call_ids: ['c', 'unread'], calls: true });
    }
    const read = () =>
      Promise.all(users.map(async ({ user_id }) => (await stores.both.getWebhook(user_id, 'c'))?.payload));
    const texts = users.map(({ text }) => text);
    expect(await read()).toEqual(texts);

    const before = await stores.new.inspectEncryption();
    expect(before).toMatchObject({ keys: [expect.stringMatching(/^new:/)], newest: expect.stringMatching(/^new:/) });
    for (const { in_the_clear, encrypted, complete } of before.columns) {
      expect(complete).toBe(true);
      expect(in_the_clear).toBeGreaterThan(0);
      const known = Object.fromEntries(encrypted.map((entry) => [entry.key_id.split(':')[0], entry.known]));
      expect(known).toEqual({ old: false, new: true });
    }

    const without = await stores.new.reencrypt();
    expect(without.skipped).toEqual([{ key_id: expect.stringMatching(/^old:/), values: expect.any(Number) }]);
    const all = await stores.both.reencrypt();
    expect(all.skipped).toEqual([]);
    expect((await stores.both.reencrypt()).columns.filter(({ changed }) => changed > 0)).toEqual([]);
    for (const { in_the_clear, encrypted } of (await stores.both.inspectEncryption()).columns) {
      expect(in_the_clear).toBe(0);
      expect(encrypted.map(({ key_id }) => key_id)).toEqual([before.newest]);
    }
    expect(await read()).toEqual(texts);

    const clear = await openStore({ ...harness().options, encryption: encryptionWith('clear', 'new', 'old') });
    await clear.reencrypt();
    for (const { encrypted } of (await clear.inspectEncryption()).columns) expect(encrypted).toEqual([]);
    await clear.close();
    const plain = await Promise.all(users.map(({ user_id }) => stores.none.getWebhook(user_id, 'c')));
    expect(plain.map((webhook) => webhook?.payload)).toEqual(texts);
  });

  test('reencrypt names what is damaged and goes on with the rest', async () => {
    const { query } = harness();
    const user_id = unique('user');
    await stores.old.upsertCalls(['a', 'b'].map((call_id) => ({ user_id, call_id, data: '{"a":1}' })));
    await query(`update calls set data = overlay(data placing 'AAAA' from 30) where user_id = $1 and call_id = 'a'`, [
      user_id,
    ]);
    const { damaged } = await stores.both.reencrypt();
    expect(damaged).toContainEqual({ column: 'calls.data', user_id, id: 'a' });
    expect(damaged.filter((row) => row.user_id === user_id)).toHaveLength(1);
    expect(await stored(user_id)).toContain('enc1:new:');
    await stores.none.upsertCalls([{ user_id, call_id: 'a', data: '{"a":1}' }]);
  });

  test('a call that is imported anew while its old text is encrypted again keeps its new text', async () => {
    const user_id = unique('user');
    const { query } = harness();
    const old = (n: number) => `{"old":${n},"filler":"${'x'.repeat(2_000)}"}`;
    const ids = Array.from({ length: 100 }, (_, n) => `c${n}`);
    await stores.none.upsertCalls(ids.map((call_id, n) => ({ user_id, call_id, data: old(n) })));
    const imports = async () => {
      for (const call_id of ids) await stores.none.upsertCalls([{ user_id, call_id, data: '{"new":true}' }]);
    };
    await Promise.all([imports(), stores.both.reencrypt()]);
    await stores.both.reencrypt();
    await register(stores.both, { user_id, call_ids: ids, calls: true });
    const rows = await query<{ data: string }>('select data from calls where user_id = $1', [user_id]);
    expect(rows.every(({ data }) => data.startsWith('enc1:new:'))).toBe(true);
    const texts = await Promise.all(ids.map(async (id) => (await stores.both.getWebhook(user_id, id))?.payload));
    expect(new Set(texts)).toEqual(new Set(['{"new":true}']));
  });

  test('what is erased while it is encrypted again stays erased', async () => {
    const user_id = unique('user');
    const call_ids = Array.from({ length: 400 }, (_, index) => `call-${index}`);
    const { part } = await register(stores.none, { user_id, call_ids });
    for (const call_id of call_ids) {
      const ref = { batch_id: part.batch_id, user_id, call_id };
      await stores.none.storePayload({ ...ref, payload: `{"filler":"${'x'.repeat(2_000)}"}` });
    }
    const eraseAll = async () => {
      for (const call_id of call_ids) await stores.none.eraseCall({ user_id, call_id });
    };
    await Promise.all([eraseAll(), stores.both.reencrypt()]);
    const left = 'select call_id from webhooks where user_id = $1 and payload is not null';
    expect(await harness().query(left, [user_id])).toEqual([]);
  });

  test('any mix of processes, keys and rows: a value is read as it was written, or its key is missing', async () => {
    const process = fc.constantFrom(...names);
    const action = fc.oneof(
      fc.record({ kind: fc.constant('import' as const), by: process, call: fc.nat(2) }),
      fc.record({ kind: fc.constant('register' as const), by: process, call: fc.nat(2) }),
      fc.record({ kind: fc.constant('attempt' as const), by: process, call: fc.nat(2) }),
      fc.record({ kind: fc.constant('reencrypt' as const), by: process }),
    );
    const property = fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 25 }), async (actions) => {
      await new World(harness(), stores).run(actions);
    });
    await fc.assert(property, { numRuns: 20 });
  }, 180_000);
});

type Action =
  | { kind: 'import' | 'register' | 'attempt'; by: Process; call: number }
  | { kind: 'reencrypt'; by: Process };

/** Calls with what they should read as, and with the key that they need. */
class World {
  readonly #user_id = unique('user');
  readonly #calls = new Map<number, string>();
  readonly #webhooks = new Map<number, { text: string | undefined; batch_id: string }>();
  #version = 0;

  constructor(
    readonly harness: StoreHarness,
    readonly stores: Record<Process, Store>,
  ) {}

  async run(actions: readonly Action[]): Promise<void> {
    for (const action of actions) await this.#take(action);
    for (const [call, { text }] of this.#webhooks) {
      if (text === undefined) continue;
      for (const by of names) await this.#reads(by, call, text);
    }
  }

  async #take(action: Action): Promise<void> {
    const store = this.stores[action.by];
    if (action.kind === 'reencrypt') {
      await store.reencrypt();
      return;
    }
    const { call } = action;
    const call_id = `c${call}`;
    const webhook = this.#webhooks.get(call);
    switch (action.kind) {
      case 'import': {
        const data = `{"call":${call},"version":${++this.#version}}`;
        await store.upsertCalls([{ user_id: this.#user_id, call_id, data }]);
        this.#calls.set(call, data);
        return;
      }
      case 'register': {
        if (webhook || !this.#calls.has(call)) return;
        const { part } = await register(store, { user_id: this.#user_id, call_ids: [call_id], calls: true });
        this.#webhooks.set(call, { text: this.#calls.get(call), batch_id: part.batch_id });
        return;
      }
      case 'attempt': {
        if (webhook?.text === undefined) return;
        const ref = { user_id: this.#user_id, call_id, batch_id: webhook.batch_id };
        const { payload: _, ...request } = openRequest(ref, { ordered: true });
        const key = await this.#keyOf(call);
        const opening = store.openAttempt(request);
        if (key !== undefined && !keysOf(action.by).includes(key)) {
          await expect(opening).rejects.toThrow(`needs the encryption key ${key}:`);
          return;
        }
        const opened = await opening;
        if (opened.kind !== 'opened') throw new Error(`expected an attempt, got ${opened.kind}`);
        expect(opened.payload).toBe(webhook.text);
        await store.closeAttempt(closeRequest(ref, opened.seq, { response_code: 500 }));
      }
    }
  }

  async #reads(by: Process, call: number, text: string): Promise<void> {
    const key = await this.#keyOf(call);
    const reading = this.stores[by].getWebhook(this.#user_id, `c${call}`);
    if (key === undefined || keysOf(by).includes(key)) expect((await reading)?.payload).toBe(text);
    else await expect(reading).rejects.toBeInstanceOf(EncryptionKeyMissingError);
  }

  /** The name of the key that the stored text needs. */
  async #keyOf(call: number): Promise<string | undefined> {
    const [row] = await this.harness.query<{ payload: string }>(
      'select payload from webhooks where user_id = $1 and call_id = $2',
      [this.#user_id, `c${call}`],
    );
    return /^enc1:(\w+):/.exec(row?.payload ?? '')?.[1];
  }
}
