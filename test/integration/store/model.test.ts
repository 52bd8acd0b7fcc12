import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallStanding } from '../../../contract/index.js';
import type { NextStep } from '../../../store/index.js';
import { type ModelAttempt, type ModelEnd, StoreModel } from '../../support/store-model.js';
import {
  closeRequest,
  describeStores,
  openRequest,
  register,
  type StoreHarness,
  unique,
} from '../../support/stores.js';

const CALLS = ['a', 'b'];
const NEXT: Record<ModelEnd, NextStep> = {
  delivered: { status: 'delivered' },
  retrying: { status: 'retrying', delay_ms: 60_000, held_ms: 0 },
  held: { status: 'retrying', delay_ms: 60_000, held_ms: 60_000 },
  failed: { status: 'failed', error: 'ScheduleUsedUp', reason: 'used up' },
};

const call = fc.constantFrom(...CALLS);
/** Counted from the newest batch or attempt. */
const index = fc.nat({ max: 3 });
const calls = fc.uniqueArray(call, { minLength: 1 });
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('create' as const), calls }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resend' as const), calls, onlyFailed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), index }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      index,
      call,
      ordered: fc.boolean(),
      isolation: fc.constantFrom(undefined, 'alone' as const, 'shared' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      index,
      end: fc.constantFrom<ModelEnd>('delivered', 'retrying', 'held', 'failed'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const), index, calls }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reject' as const), index, call }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('watch' as const), index, call }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), call }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A store and its model, side by side. */
class Run {
  readonly #model = new StoreModel();
  readonly #harness: StoreHarness;
  readonly #user_id = unique('user');
  readonly #batches: Awaited<ReturnType<typeof register>>['part'][] = [];
  readonly #seqs: string[] = [];

  constructor(harness: StoreHarness) {
    this.#harness = harness;
  }

  async take(step: Step): Promise<void> {
    const { store, query } = this.#harness;
    const model = this.#model;
    if (step.kind === 'create' || step.kind === 'resend') return this.#register(step);
    if (step.kind === 'erase') return this.#erase(step.call);
    const batch = this.#batches.length - 1 - step.index;
    const part = this.#batches[batch];
    if (!part) return;
    const ref = (call_id: string) => ({ batch_id: part.batch_id, user_id: this.#user_id, call_id });
    switch (step.kind) {
      case 'again': {
        const { answer } = await register(store, part);
        return expect(byCall(part.call_ids, answer.standings)).toEqual(new Map(model.registerAgain(batch)));
      }
      case 'open':
        return this.#open(batch, step, ref(step.call));
      case 'close':
      case 'expire': {
        const place = model.attempts.length - 1 - step.index;
        const attempt = model.attempts[place];
        if (!attempt) return;
        if (step.kind === 'close') return this.#close(attempt, this.#seqs[place] as string, step.end);
        if (attempt.state === 'open') attempt.state = 'expired';
        const passed = "update attempts set deadline = now() - interval '1 second' where seq = $1";
        await query(passed, [this.#seqs[place]]);
        return;
      }
      case 'settle': {
        const { call_ids: _, offset: __, total: ___, ...base } = part;
        const end = { status: 'canceled', error: 'BatchCanceled' } as const;
        const standings = await store.settleWebhooks({ ...base, call_ids: step.calls, ...end });
        return expect(byCall(step.calls, standings)).toEqual(new Map(model.settle(batch, step.calls)));
      }
      case 'reject': {
        const standing = await store.rejectWebhook({ ...ref(step.call), error: 'CallNotFound' });
        return expect(timeless(standing)).toEqual(model.reject(batch, step.call));
      }
      case 'watch': {
        const watched = await store.readStanding(ref(step.call));
        const shown = watched.kind === 'standing' ? { ...watched, standing: timeless(watched.standing) } : watched;
        return expect(shown).toMatchObject(model.watch(batch, step.call));
      }
      case 'end': {
        const failed = await store.failUnsettled({ batch_id: part.batch_id, reason: 'terminated' });
        return expect(failed).toBe(model.failUnsettled(batch));
      }
    }
  }

  /** What must hold whatever was done. */
  async check(): Promise<void> {
    const { store } = this.#harness;
    for (const { batch_id, total } of this.#batches) {
      const batch = await store.readBatch(this.#user_id, batch_id);
      const { pending = 0, retrying = 0, delivered = 0, failed = 0, canceled = 0, rejected = 0 } = batch ?? {};
      expect(pending + retrying + delivered + failed + canceled + rejected).toBe(total);
    }
    for (const call_id of CALLS) {
      const webhook = await store.getWebhook(this.#user_id, call_id);
      expect(webhook?.status).toBe(this.#model.webhooks.get(call_id)?.status);
      const finished = this.#model.attempts.filter(
        ({ call, state }) => call === call_id && (state === 'ended' || state === 'interrupted'),
      );
      expect(webhook?.metadata.map(({ response_code }) => response_code) ?? []).toEqual(
        finished.map(({ code }) => code),
      );
    }
  }

  async #register(step: Step & { kind: 'create' | 'resend' }): Promise<void> {
    const onlyFailed = step.kind === 'resend' && step.onlyFailed;
    const { part, answer } = await register(this.#harness.store, {
      user_id: this.#user_id,
      call_ids: step.calls,
      send_type: step.kind,
      ...(onlyFailed && { only_failed: true }),
    });
    this.#batches.push(part);
    expect(byCall(step.calls, answer.standings)).toEqual(
      new Map(this.#model.register(step.calls, step.kind, onlyFailed)),
    );
  }

  async #erase(call_id: string): Promise<void> {
    const { store } = this.#harness;
    const erased = await store.eraseCall({ user_id: this.#user_id, call_id });
    const expected = this.#model.erase(call_id);
    const { was, is, in_flight_ms = null } = erased?.webhook ?? {};
    expect(expected && { was, is, in_flight: in_flight_ms !== null }).toEqual(expected);
    expect(erased === undefined).toBe(expected === undefined);
    const webhook = await store.getWebhook(this.#user_id, call_id);
    expect([webhook?.payload ?? null, webhook?.metadata ?? []]).toEqual([null, []]);
  }

  async #open(
    batch: number,
    { call, ordered, isolation }: Step & { kind: 'open' },
    ref: Parameters<typeof openRequest>[0],
  ) {
    const result = await this.#harness.store.openAttempt(
      openRequest(ref, { ordered, ...(isolation && { isolation }) }),
    );
    if (result.kind === 'opened') this.#seqs.push(result.seq);
    const shown = result.kind === 'standing' ? { ...result, standing: timeless(result.standing) } : result;
    expect(shown).toMatchObject(this.#model.open(batch, call, ordered, isolation));
  }

  async #close(attempt: ModelAttempt, seq: string, end: ModelEnd): Promise<void> {
    const ref = {
      batch_id: this.#batches[attempt.batch]?.batch_id as string,
      user_id: this.#user_id,
      call_id: attempt.call,
    };
    const response_code = end === 'delivered' ? 200 : 500;
    const closed = await this.#harness.store.closeAttempt(closeRequest(ref, seq, { response_code, next: NEXT[end] }));
    const expected = this.#model.close(attempt, end);
    expect(timeless(closed.standing)).toEqual(expected.standing);
    expect(closed.attempt?.response_code ?? null).toBe(expected.code);
  }
}

const timeless = (standing: CallStanding): CallStanding =>
  standing.status === 'retrying' ? { ...standing, due_in: 0 } : standing;

const byCall = (names: readonly string[], standings: readonly [number, CallStanding][]) =>
  new Map(standings.map(([place, standing]) => [names[place], timeless(standing)]));

describeStores('any sequence of requests', (harness) => {
  test('is answered as the model says', { timeout: 180_000 }, async () => {
    const runs = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const run = new Run(harness());
      for (const step of steps) await run.take(step);
      await run.check();
    });
    await fc.assert(runs, { numRuns: 200 });
  });
});
