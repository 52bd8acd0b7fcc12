import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import {
  cancelSignal,
  type DeliveryEnd,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryNowSignal,
} from '../../../contract/index.js';
import { AskedAllTheTime } from '../../support/asked-all-the-time.js';
import { names } from '../../support/book-world.js';
import type { Script, ScriptedBatch, ScriptedRun } from '../../support/scripted.js';

const HOUR = 3_600_000;

/** One way through the loop. Its activities are played, so that what is recorded hangs on no clock and no network. */
export interface Scenario {
  name: string;
  batches: ScriptedBatch[];
  /** A fresh one for each run: it may count. */
  script: () => Script | Promise<Script>;
  meanwhile?: (run: ScriptedRun) => Promise<void>;
  /** Of all batches together. */
  expected: { delivered?: number; failed?: number; rejected?: number; canceled?: number };
  /** How many runs of the workflow it takes. */
  runs?: number;
}

const delivered: DeliveryEnd = { kind: 'delivered' };
const failed = (due_in: number, endpoint_failed = false): DeliveryEnd => ({ kind: 'retry', due_in, endpoint_failed });

/** The ends of each call's attempts, one after the other; delivered after the last of them. */
function inTurn(endsOf: (callId: string) => readonly DeliveryEnd[]): (callId: string) => DeliveryEnd {
  const made = new Map<string, number>();
  return (callId) => {
    const attempt = made.get(callId) ?? 0;
    made.set(callId, attempt + 1);
    return endsOf(callId)[attempt] ?? delivered;
  };
}

const EVERY_END: DeliveryEnd[][] = [
  [{ kind: 'rejected', error: 'CallNotFound' }],
  [{ kind: 'failed', error: 'ScheduleUsedUp', endpoint_failed: true }],
  [{ kind: 'failed', error: 'CallUnreadable' }],
  [failed(300), failed(300, true)],
  [{ kind: 'unread', due_in: 300, source_away: false }],
  [{ kind: 'unread', due_in: 300, source_away: true }],
  [{ kind: 'busy', due_in: 300 }],
  [{ kind: 'too_early', due_in: 300 }],
  [{ kind: 'slow' }],
  [{ kind: 'reading' }],
  [{ kind: 'store_away' }],
  [{ kind: 'canceled', error: 'BatchCanceled' }],
  [],
];

/** The attempt that is in flight at the cancellation ends when everything else is settled. */
function canceledWhileSlow(): Scenario {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    name: 'canceled-while-slow',
    batches: [{ call_ids: names(30) }],
    script: () => ({
      deliver: ({ call_id }) => (call_id === 'c-3' ? { kind: 'slow' } : failed(HOUR)),
      watch: () => ended.then(() => delivered),
    }),
    meanwhile: async ({ handle, settled }) => {
      await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(29);
      await handle.signal(cancelSignal);
      await expect.poll(() => settled.length).toBe(1);
      end();
    },
    expected: { canceled: 29, delivered: 1 },
  };
}

/** Its workflow tasks end, and begin anew, while a registration and then an attempt hang: orders come in meanwhile. */
function heartbeats(): Scenario {
  const hangs = new Set(['registration', 'c-3']);
  let left = hangs.size;
  const hangOnce = async (what: string) => {
    if (!hangs.delete(what)) return;
    await delay(9_000);
    left -= 1;
  };
  return {
    name: 'heartbeats',
    batches: [{ call_ids: names(20) }],
    script: () => {
      const endOf = inTurn(() => [failed(100), failed(300)]);
      return {
        register: () => hangOnce('registration'),
        deliver: async ({ call_id }) => {
          await hangOnce(call_id);
          return endOf(call_id);
        },
      };
    },
    meanwhile: async ({ handle }) => {
      while (left > 0) {
        await handle.signal(pauseSignal);
        await handle.query(progressQuery);
        await handle.signal(resumeSignal);
        await delay(1_000);
      }
    },
    expected: { delivered: 20 },
  };
}

function askedAllTheTime(): Scenario {
  const asked = new AskedAllTheTime();
  return {
    name: 'asked-all-the-time',
    batches: [asked.batch],
    script: () => asked.script(),
    meanwhile: (run) => asked.askUntil(15, run),
    expected: { delivered: 25 },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'one-call', batches: [{ call_ids: names(1) }], script: () => ({}), expected: { delivered: 1 } },
  {
    name: 'several-statements',
    batches: [{ call_ids: names(1_300) }],
    script: () => ({}),
    expected: { delivered: 1_300 },
  },
  {
    // Every second round ends long after the one that is awaited before it, and calls become due meanwhile.
    name: 'overlapping-rounds',
    batches: [{ call_ids: names(900) }],
    script: () => {
      const endOf = inTurn((callId) => (Number(callId.slice(2)) % 2 === 0 ? [failed(50)] : []));
      return {
        deliver: async ({ call_id, round }) => {
          if (round.number % 2 === 1) await delay(200);
          return endOf(call_id);
        },
      };
    },
    expected: { delivered: 900 },
  },
  {
    name: 'every-end',
    batches: [{ call_ids: names(EVERY_END.length) }],
    script: () => {
      const endOf = inTurn((callId) => EVERY_END[Number(callId.slice(2))] ?? []);
      return {
        deliver: ({ call_id }) => endOf(call_id),
        watch: (_, call_id) => (call_id === 'c-9' ? { kind: 'read' } : { kind: 'interrupted' }),
      };
    },
    expected: { rejected: 1, failed: 2, canceled: 1, delivered: 9 },
  },
  {
    name: 'retried',
    batches: [{ call_ids: names(40) }],
    script: () => {
      const endOf = inTurn(() => [failed(100), failed(1_200)]);
      return { deliver: ({ call_id }) => endOf(call_id) };
    },
    expected: { delivered: 40 },
  },
  {
    name: 'slow',
    batches: [{ call_ids: names(250) }],
    script: () => ({ deliver: () => ({ kind: 'slow' }) }),
    expected: { delivered: 250 },
  },
  {
    name: 'endpoint-down',
    batches: [{ call_ids: names(60), options: { down_after: 5 } }],
    script: () => {
      let attempts = 0;
      return { deliver: () => (++attempts <= 12 ? failed(200, true) : delivered) };
    },
    expected: { delivered: 60 },
  },
  {
    name: 'endpoint-gone',
    batches: [{ call_ids: names(30) }],
    script: () => ({
      endpointOf: (callId) => (Number(callId.slice(2)) < 20 ? 'http://gone' : 'http://one'),
      deliver: ({ endpoint }) =>
        endpoint.key === 'k-http://gone' ? { kind: 'failed', error: 'EndpointGone' } : delivered,
    }),
    expected: { failed: 20, delivered: 10 },
  },
  {
    name: 'horizon',
    batches: [{ call_ids: names(12), options: { down_after: 3 } }],
    script: () => ({ horizonMs: 1_000, deliver: () => failed(HOUR, true) }),
    expected: { failed: 12 },
  },
  {
    name: 'paused-and-resumed',
    batches: [{ call_ids: names(20) }],
    script: () => {
      const endOf = inTurn(() => [failed(HOUR)]);
      return { deliver: ({ call_id }) => endOf(call_id) };
    },
    meanwhile: async ({ handle }) => {
      await expect.poll(async () => (await handle.query(progressQuery))?.retrying).toBe(20);
      await handle.signal(pauseSignal);
      await handle.signal(retryNowSignal, {});
      await expect.poll(async () => (await handle.query(progressQuery))?.status).toBe('paused');
      await handle.signal(resumeSignal);
    },
    expected: { delivered: 20 },
  },
  canceledWhileSlow(),
  heartbeats(),
  askedAllTheTime(),
  {
    name: 'shared-by-three',
    batches: [{ call_ids: ['a-0', 'a-1'] }, { call_ids: ['b-0'], webhook_url: 'http://two' }, { call_ids: ['c-0'] }],
    script: () => ({ deliver: ({ call_id }) => (call_id === 'b-0' ? failed(HOUR, true) : delivered) }),
    meanwhile: async ({ handle }) => {
      const batch_id = `${handle.workflowId.slice('postcall-'.length)}.1`;
      await expect.poll(async () => (await handle.query(progressQuery, { batch_id }))?.retrying).toBe(1);
      await handle.signal(cancelSignal, { batch_id });
    },
    expected: { delivered: 3, canceled: 1 },
  },
  {
    name: 'store-away',
    batches: [{ call_ids: names(30) }],
    script: () => {
      let asked = 0;
      return { storeAnswers: () => ++asked > 3 };
    },
    expected: { delivered: 30 },
  },
  {
    name: 'without-search-attributes',
    batches: [{ call_ids: names(10) }],
    script: () => {
      const endOf = inTurn(() => [failed(300, true)]);
      return { searchAttributes: false, deliver: ({ call_id }) => endOf(call_id) };
    },
    expected: { delivered: 10 },
  },
  {
    name: 'carried-over',
    batches: [{ call_ids: names(700), options: { down_after: 5 } }],
    script: () => {
      let attempts = 0;
      return { deliver: () => (++attempts <= 20 ? failed(HOUR, attempts % 2 === 0) : delivered) };
    },
    meanwhile: async ({ handle }) => {
      for (let sent = 0; sent < 4_200; sent += 100) {
        await Promise.all(Array.from({ length: 100 }, () => handle.signal(pauseSignal)));
      }
      await handle.signal(resumeSignal);
    },
    expected: { delivered: 700 },
    runs: 2,
  },
];
