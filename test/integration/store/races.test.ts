import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openStore, type Store } from '../../../store/index.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import {
  attempted,
  closeRequest,
  FAILED,
  mustOpen,
  openRequest,
  part,
  register,
  unique,
} from '../../support/stores.js';

/** Two processes, and a third one that holds locks: PGlite has a single session, so that there is nothing to race. */
describe('two processes on one PostgreSQL', () => {
  let server: PostgresServer;
  let databaseUrl: string;
  let stores: [Store, Store];

  beforeAll(async () => {
    server = await startPostgres();
    databaseUrl = await server.createDatabase();
    stores = [await openStore({ databaseUrl }), await openStore({ databaseUrl })];
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.remove();
  });

  async function session(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  }

  /** Resolves when so many statements wait for locks. */
  const waiting = async (client: pg.Client, count: number) => {
    const text = "select count(*)::integer as count from pg_stat_activity where wait_event_type = 'Lock'";
    await expect.poll(async () => (await client.query<{ count: number }>(text)).rows[0]?.count).toBe(count);
  };

  /** A batch of two calls: one whose row a test locks, and one that stays free. */
  async function registerTwo() {
    const call_ids = [unique('locked'), unique('free')];
    const { part: both } = await register(stores[0], { call_ids });
    const [locked, free] = call_ids.map((call_id) => ({ batch_id: both.batch_id, user_id: both.user_id, call_id }));
    if (!locked || !free) throw new Error('two calls were registered');
    return { both, locked, free };
  }

  /** Both register at the same moment: neither has seen the other's rows. */
  async function registerTogether(registered: ReturnType<typeof part>) {
    const input = { workflow_id: unique('w'), accepted_at: Date.now(), calls: false };
    await stores[0].registerBatches({ ...input, parts: [{ ...registered, call_ids: [] }] });
    const [holder, watcher] = [await session(), await session()];
    await holder.query('begin');
    await holder.query('update batches set counts = null where batch_id = $1', [registered.batch_id]);
    const answers = Promise.all(stores.map((store) => store.registerBatches({ ...input, parts: [registered] })));
    await waiting(watcher, 2);
    await holder.query('commit');
    return (await answers).flat();
  }

  test('that register the same part are both told that its calls are new', async () => {
    const created = part({ call_ids: [unique('call'), unique('call')] });
    const answers = await registerTogether(created);
    expect(answers).toEqual([answers[0], answers[0]]);
    expect(answers[0]).toMatchObject({ endpoint_of: 0, standings: [] });
    expect(await stores[0].readBatch(created.user_id, created.batch_id)).toMatchObject({ pending: 2, rejected: 0 });
  });

  test('that register the same resend both hold what one of them took', async () => {
    const { ref, part: first } = await register(stores[0]);
    await attempted(stores[0], ref);
    const { user_id, call_ids } = first;
    const resend = part({ user_id, call_ids, send_type: 'resend' });
    const answers = await registerTogether(resend);
    expect(answers.map(({ standings }) => standings)).toEqual([[], []]);
    expect(await stores[0].readBatch(user_id, resend.batch_id)).toMatchObject({ pending: 1, rejected: 0 });
  });

  test('that create the batch itself at the same moment both register it', async () => {
    const created = part();
    const input = { workflow_id: unique('w'), accepted_at: Date.now(), calls: false, parts: [created] };
    const answers = await Promise.all(stores.map((store) => store.registerBatches(input)));
    expect(answers.flat().map(({ standings }) => standings)).toEqual([[], []]);
  });

  test('open one attempt between them, and send nothing when the other has delivered', async () => {
    const { ref } = await register(stores[0]);
    const holder = await session();
    await holder.query('begin');
    await holder.query('select from webhooks where user_id = $1 for update', [ref.user_id]);
    const late = stores[0].openAttempt(openRequest(ref));
    const [webhook] = (await holder.query<{ id: string }>('select id from webhooks where user_id = $1', [ref.user_id]))
      .rows;
    await holder.query(
      `insert into attempts (webhook_id, batch_id, send_type, sent_at, deadline, alone, finished_at, response_code, response_time_ms)
       values ($1, $2, 'create', now(), now(), false, now(), 200, 1)`,
      [webhook?.id, ref.batch_id],
    );
    await holder.query("update webhooks set status = 'delivered', settled_at = now() where user_id = $1", [
      ref.user_id,
    ]);
    await holder.query('commit');
    expect(await late).toEqual({ kind: 'standing', standing: { status: 'delivered' } });
    expect((await stores[0].getWebhook(ref.user_id, ref.call_id))?.metadata).toHaveLength(1);
  });

  test('close an attempt whose row is locked as soon as it is free, and the others at once', async () => {
    const { locked, free } = await registerTwo();
    const [lockedSeq, freeSeq] = await Promise.all(
      [locked, free].map(async (ref) => (await mustOpen(stores[0], openRequest(ref))).seq),
    );
    const holder = await session();
    await holder.query('begin');
    await holder.query('select from webhooks where call_id = $1 for update', [locked.call_id]);
    const late = stores[0].closeAttempt(closeRequest(locked, lockedSeq as string));
    const atOnce = await stores[0].closeAttempt(closeRequest(free, freeSeq as string));
    expect(atOnce.standing).toEqual({ status: 'delivered' });
    await holder.query('commit');
    expect((await late).standing).toEqual({ status: 'delivered' });
  });

  test('do not wait for a locked row to call the attempts of others interrupted', async () => {
    const { both, locked, free } = await registerTwo();
    for (const ref of [locked, free]) await mustOpen(stores[0], openRequest(ref));
    const holder = await session();
    await holder.query("update attempts set deadline = now() - interval '1 second' where batch_id = $1", [
      both.batch_id,
    ]);
    await holder.query('begin');
    await holder.query('select from webhooks where call_id = $1 for update', [locked.call_id]);
    const late = stores[0].readStanding(locked);
    expect(await stores[0].readStanding(free)).toEqual({ kind: 'interrupted' });
    await holder.query('commit');
    expect(await late).toEqual({ kind: 'interrupted' });
  });

  test('tell of one endpoint that others fail and deliver at in other orders', async () => {
    const user_id = unique('user');
    const urls = ['https://a.example/', 'https://b.example/'];
    const refs = await Promise.all(
      Array.from({ length: 40 }, async (_, place) => {
        const { ref } = await register(stores[0], { user_id, webhook_url: urls[place % 2] as string });
        return { ref, seq: (await mustOpen(stores[0], openRequest(ref))).seq };
      }),
    );
    const codes = [200, 500, 500, 200];
    await Promise.all(
      refs.map(({ ref, seq }, place) =>
        (stores[place % 3 === 0 ? 1 : 0] as Store).closeAttempt(
          closeRequest(ref, seq, { response_code: codes[place % 4] as number }),
        ),
      ),
    );
    const counts = await Promise.all(refs.map(({ ref }) => stores[1].getWebhook(user_id, ref.call_id)));
    expect(counts.filter((webhook) => webhook?.status === 'delivered')).toHaveLength(20);
  });

  test('that fail what is left of a batch leave what the other has failed', async () => {
    const { part: batch, ref } = await register(stores[0], {
      call_ids: Array.from({ length: 50 }, () => unique('call')),
    });
    await attempted(stores[0], ref, { response_code: 500, next: FAILED });
    const request = { batch_id: batch.batch_id, reason: 'terminated' };
    const failed = await Promise.all(stores.map((store) => store.failUnsettled(request)));
    expect(failed.reduce((sum, count) => sum + count)).toBe(49);
    await stores[0].failUnsettled(request);
    expect(await stores[0].readBatch(batch.user_id, batch.batch_id)).toMatchObject({
      failed: 50,
      finished_at: expect.any(String),
    });
  });
});
