import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Activities } from '../../../activities/index.js';
import {
  BATCH_WORKFLOW,
  type BatchInput,
  batchWorkflowId,
  cancelSignal,
  type DeliveryInput,
  type DeliveryResult,
  outcomesQuery,
  pauseSignal,
  progressQuery,
  resumeSignal,
  retryNowSignal,
} from '../../../contract/index.js';
import type { deliverBatch } from '../../../workflows/index.js';
import { replayBatch } from '../../support/histories.js';
import { connectClient, startTestWorker } from '../../support/temporal.js';

const delivered: DeliveryResult = {
  status: 'delivered',
  attempt: {
    sent_at: '2026-01-01T00:00:00.000Z',
    response_code: 200,
    response_time: '1ms',
    send_type: 'create',
    error: null,
  },
};

const failed = (nextRetryDelay: number, endpoint_failed = true): ApplicationFailure =>
  ApplicationFailure.create({
    type: 'AttemptFailed',
    message: 'the endpoint answered 503',
    nextRetryDelay,
    details: [{ response_code: 503, endpoint_failed, next_attempt_in_ms: nextRetryDelay }],
  });

type Deliver = (input: DeliveryInput, lane: 'express' | 'durable') => Promise<DeliveryResult>;

/** A batch on a worker whose deliveries the test plays; `sent` lists the calls in the order of their attempts. */
async function startBatch(deliver: Deliver, input: Partial<BatchInput> & { call_ids: string[] }) {
  const client = await connectClient();
  const sent: string[] = [];
  const activities: Activities = {
    deliverWebhook: (delivery) => {
      sent.push(delivery.call_id);
      return deliver(delivery, activityInfo().isLocal ? 'express' : 'durable');
    },
    settleWebhooks: async ({ call_ids, status, reason }) =>
      call_ids.map((call_id) => ({ call_id, status, error: { type: status, message: reason } })),
    findFailed: async () => ({ webhooks: [], next_cursor: null }),
  };
  const { taskQueue } = await startTestWorker({ activities: { ...activities } });
  const started = await start(client, taskQueue, input);
  onTestFinished(() => replayBatch(client, started.handle.workflowId));
  return { ...started, sent };
}

async function start(client: Client, taskQueue: string, input: Partial<BatchInput> & { call_ids: string[] }) {
  const batch: BatchInput = {
    batch_id: randomUUID(),
    user_id: 'u-1',
    webhook_url: 'http://127.0.0.1/hook',
    send_type: 'create',
    ...input,
  };
  const handle = await client.workflow.start<typeof deliverBatch>(BATCH_WORKFLOW, {
    workflowId: batchWorkflowId(batch.batch_id),
    taskQueue,
    args: [batch],
  });
  return { client, handle };
}

/** Activities of a workflow that wait in the server for their next attempt. */
async function pendingInBackoff(client: Client, workflowId: string): Promise<number> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return (
    raw.pendingActivities?.filter(({ lastFailure, lastWorkerIdentity }) => lastFailure && lastWorkerIdentity).length ??
    0
  );
}

const calls = (count: number): string[] => Array.from({ length: count }, (_, index) => `c-${index}`);

describe('a page', () => {
  test('delivers every call in the express lane', async () => {
    const lanes: string[] = [];
    const { handle } = await startBatch(
      async (_, lane) => {
        lanes.push(lane);
        return delivered;
      },
      { call_ids: calls(25) },
    );
    expect(await handle.result()).toMatchObject({ status: 'completed', total: 25, delivered: 25, errors: [] });
    expect(lanes).toEqual(Array.from({ length: 25 }, () => 'express'));
  });

  test('hands an attempt that is still in flight over to the durable lane', async () => {
    const lanes: string[] = [];
    const { handle } = await startBatch(
      async (_, lane) => {
        lanes.push(lane);
        return lane === 'express' ? { status: 'in_flight' } : delivered;
      },
      { call_ids: ['c-0'] },
    );
    expect(await handle.result()).toMatchObject({ delivered: 1 });
    expect(lanes).toEqual(['express', 'durable']);
  });

  test('makes its remaining first attempts in the durable lane when three have outlasted the express lane', async () => {
    const express: string[] = [];
    const { handle } = await startBatch(
      async ({ call_id }, lane) => {
        if (lane === 'express') express.push(call_id);
        return lane === 'express' ? { status: 'in_flight' } : delivered;
      },
      { call_ids: calls(20), options: { max_in_flight: 1 } },
    );
    expect(await handle.result()).toMatchObject({ delivered: 20 });
    expect(express).toEqual(['c-0', 'c-1', 'c-2']);
  });

  test('tries a failed call again after the delay that the failure names', async () => {
    const attempts = new Map<string, number>();
    const { handle } = await startBatch(
      async ({ call_id }) => {
        const attempt = (attempts.get(call_id) ?? 0) + 1;
        attempts.set(call_id, attempt);
        if (attempt < 4) throw failed(200);
        return delivered;
      },
      { call_ids: calls(3) },
    );
    expect(await handle.result()).toMatchObject({ delivered: 3 });
    expect([...attempts.values()]).toEqual([4, 4, 4]);
  });

  test('shows in the Web UI which call an activity is for, why it waits, and how the batch stands', async () => {
    const { client, handle } = await startBatch(
      async (_, lane) => {
        if (lane === 'express') return { status: 'in_flight' };
        throw ApplicationFailure.create({ type: 'StoreUnavailable', message: 'the store failed: refused' });
      },
      { call_ids: ['c-17'], fairness_key: 'fair' },
    );
    const pending = async () =>
      (await client.workflow.getHandle(handle.workflowId).describe()).raw.pendingActivities?.[0];
    await expect.poll(async () => (await pending())?.lastFailure?.message).toBe('the store failed: refused');
    expect((await pending())?.activityId).toBe('c-17');
    const { events } = await client.workflow.getHandle(handle.workflowId).fetchHistory();
    const scheduled = events?.find(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes);
    expect(scheduled?.activityTaskScheduledEventAttributes?.priority).toMatchObject({ fairnessKey: 'fair' });
    expect(Buffer.from(scheduled?.userMetadata?.summary?.data ?? []).toString()).toBe('"first attempt of c-17"');
    await handle.signal(pauseSignal);
    await expect
      .poll(async () => JSON.stringify(await handle.query('__temporal_workflow_metadata')))
      .toContain('**paused**, endpoint **up**');
    await handle.signal(cancelSignal);
    await handle.result();
  });

  test('reports rejected and failed calls with their reasons', async () => {
    const { handle } = await startBatch(
      async ({ call_id }) => {
        if (call_id === 'c-0') throw ApplicationFailure.nonRetryable('call c-0 was not found', 'CallNotFound');
        if (call_id === 'c-1') throw ApplicationFailure.nonRetryable('retry schedule used up', 'ScheduleUsedUp');
        return delivered;
      },
      { call_ids: calls(3) },
    );
    expect(await handle.result()).toMatchObject({
      rejected: 1,
      failed: 1,
      delivered: 1,
      errors: [
        { call_id: 'c-0', error: 'CallNotFound', message: 'call c-0 was not found' },
        { call_id: 'c-1', error: 'ScheduleUsedUp', message: 'retry schedule used up' },
      ],
    });
  });

  test('starts no more first attempts while its endpoint is down, and goes on at the first success', async () => {
    let up = false;
    const { handle, sent } = await startBatch(
      async () => {
        if (!up) throw failed(300);
        return delivered;
      },
      { call_ids: calls(200), options: { max_in_flight: 5, down_after: 10 } },
    );
    await expect.poll(async () => (await handle.query(progressQuery)).endpoint).toBe('down');
    await expect.poll(() => sent.length).toBeGreaterThan(40);
    const { pending, retrying, endpoint_since } = await handle.query(progressQuery);
    expect(new Set(sent).size).toBeLessThan(20);
    expect(pending + retrying).toBe(200);
    expect(endpoint_since).not.toBeNull();
    up = true;
    expect(await handle.result()).toMatchObject({ delivered: 200 });
    expect((await handle.query(progressQuery)).endpoint).toBe('up');
  });

  test('settles the remaining calls without sending when the endpoint is gone', async () => {
    const { handle, sent } = await startBatch(
      async () => {
        throw ApplicationFailure.nonRetryable('the endpoint answered 410', 'EndpointGone');
      },
      { call_ids: calls(50), options: { max_in_flight: 2 } },
    );
    expect(await handle.result()).toMatchObject({ status: 'completed', failed: 50 });
    expect(sent).toEqual(['c-0', 'c-1']);
    expect((await handle.query(progressQuery)).endpoint).toBe('gone');
  });

  test('retryNow makes a waiting call try at once, in the workflow and in the server', async () => {
    let attempts = 0;
    const { client, handle } = await startBatch(
      async () => {
        attempts += 1;
        if (attempts < 3) throw failed(3_600_000);
        return delivered;
      },
      { call_ids: ['c-0'] },
    );
    await expect.poll(async () => (await handle.query(progressQuery)).retrying).toBe(1);
    await handle.signal(retryNowSignal, {});
    await expect.poll(() => attempts).toBe(2);
    await expect.poll(() => pendingInBackoff(client, handle.workflowId)).toBe(1);
    await handle.signal(retryNowSignal, { call_ids: ['c-0'] });
    expect(await handle.result()).toMatchObject({ delivered: 1 });
  });

  test('starts nothing while it is paused, and goes on at once when it is resumed', async () => {
    let mayEnd = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      mayEnd = resolve;
    });
    const { handle, sent } = await startBatch(
      async (_, lane) => {
        if (lane === 'express') return { status: 'in_flight' };
        await gate;
        return delivered;
      },
      { call_ids: calls(10), options: { max_in_flight: 2 } },
    );
    await expect.poll(() => sent.length).toBe(4);
    await handle.signal(pauseSignal);
    await handle.signal(pauseSignal);
    mayEnd();
    await expect.poll(async () => (await handle.query(progressQuery)).delivered).toBe(2);
    expect(await handle.query(progressQuery)).toMatchObject({ status: 'paused', pending: 8 });
    await handle.signal(resumeSignal);
    expect(await handle.result()).toMatchObject({ status: 'completed', delivered: 10 });
  });

  test('settles unfinished calls as canceled, by signal and by cancellation of the workflow', async () => {
    for (const how of ['signal', 'cancellation']) {
      const { handle } = await startBatch(
        async ({ call_id }) => {
          if (call_id === 'c-1') return delivered;
          throw failed(3_600_000, false);
        },
        { call_ids: calls(3) },
      );
      await expect.poll(async () => (await handle.query(progressQuery)).retrying).toBe(2);
      await (how === 'signal' ? handle.signal(cancelSignal) : handle.cancel());
      expect(await handle.result()).toMatchObject({ status: 'canceled', delivered: 1, canceled: 2 });
      const { outcomes } = await handle.query(outcomesQuery, 0);
      expect(outcomes.map(({ status }) => status)).toEqual(['canceled', 'delivered', 'canceled']);
    }
  });
});

describe('a page whose attempts end in any order', () => {
  // Replaying is what startBatch does at the end: a page must not depend on the order in which its local activities resolve.
  test.each([1, 2, 3])('replays alike (seed %i)', async (seed) => {
    const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { numRuns: 2_000, seed });
    const next = () => random.pop() ?? 1;
    const { handle } = await startBatch(
      async (_, lane) => {
        await setTimeout(next() * (lane === 'express' ? 250 : 50));
        const fate = next();
        if (lane === 'express' && fate < 0.01) return { status: 'in_flight' };
        if (fate < 0.2) throw failed(100 + next() * 500, false);
        if (fate < 0.25) throw ApplicationFailure.nonRetryable('no such call', 'CallNotFound');
        if (fate < 0.3) throw ApplicationFailure.create({ type: 'StoreUnavailable', message: 'the store failed' });
        return delivered;
      },
      { call_ids: calls(300) },
    );
    const { total, delivered: count, rejected } = await handle.result();
    expect(count + rejected).toBe(total);
  });
});

describe('a batch of several pages', () => {
  test('delivers page after page in child workflows', async () => {
    const { handle, client } = await startBatch(async () => delivered, { call_ids: calls(1_200) });
    expect(await handle.result()).toMatchObject({ total: 1_200, delivered: 1_200 });
    const { historyLength } = await client.workflow.getHandle(`${handle.workflowId}-page-1`).describe();
    expect(historyLength).toBeLessThan(5_000);
    const last = await handle.query(outcomesQuery, 2);
    expect(last).toMatchObject({ page: 2, pages: 3 });
    expect(last.outcomes).toHaveLength(200);
  });

  test('shares between two pages at a time what may be in flight', async () => {
    let inFlight = 0;
    let most = 0;
    const { handle } = await startBatch(
      async () => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await setTimeout(5);
        inFlight -= 1;
        return delivered;
      },
      { call_ids: calls(1_600), options: { max_in_flight: 21 } },
    );
    expect(await handle.result()).toMatchObject({ delivered: 1_600 });
    expect(most).toBeLessThanOrEqual(20);
  });

  test('begins with few attempts in its first pages, and with many once the endpoint has answered', async () => {
    const firstRound = new Map<string, number>();
    const answered = new Set<string>();
    const { handle } = await startBatch(
      async () => {
        const page = activityInfo().workflowExecution?.workflowId.slice(-1) ?? '';
        if (!answered.has(page)) firstRound.set(page, (firstRound.get(page) ?? 0) + 1);
        // The third page answers when more are there than its first round would hold if it began with few.
        for (let tries = 0; page === '2' && tries < 100 && Number(firstRound.get(page)) <= 2; tries++)
          await setTimeout(10);
        answered.add(page);
        return delivered;
      },
      { call_ids: calls(1_100), options: { down_after: 2 } },
    );
    expect(await handle.result()).toMatchObject({ delivered: 1_100 });
    expect(firstRound.get('0')).toBeLessThanOrEqual(2);
    expect(firstRound.get('1')).toBeLessThanOrEqual(2);
    expect(firstRound.get('2')).toBeGreaterThan(2);
  });

  test('leaves stragglers in their page and goes on with the next', async () => {
    let up = false;
    const { handle } = await startBatch(
      async ({ call_id }) => {
        if (call_id === 'c-3' && !up) throw failed(300, false);
        return delivered;
      },
      { call_ids: calls(1_100) },
    );
    await expect.poll(async () => (await handle.query(progressQuery)).delivered).toBe(1_099);
    const { running_pages } = await handle.query(progressQuery);
    expect(running_pages).toHaveLength(1);
    expect(running_pages[0]?.counts).toMatchObject({ retrying: 1 });
    up = true;
    expect(await handle.result()).toMatchObject({ delivered: 1_100 });
  });

  test('settles every page when the endpoint is gone or the batch is canceled', async () => {
    const { handle, sent } = await startBatch(
      async () => {
        throw ApplicationFailure.nonRetryable('the endpoint answered 410', 'EndpointGone');
      },
      { call_ids: calls(1_100), options: { max_in_flight: 3 } },
    );
    expect(await handle.result()).toMatchObject({ failed: 1_100, errors_omitted: 100 });
    // Two pages share what may be in flight, and each may make a round before it hears of the other's 410.
    expect(['c-0', 'c-500']).toEqual(expect.arrayContaining(sent));

    const canceled = await startBatch(
      async () => {
        throw failed(3_600_000, true);
      },
      { call_ids: calls(1_100) },
    );
    await expect.poll(async () => (await canceled.handle.query(progressQuery)).endpoint).toBe('down');
    await canceled.handle.signal(cancelSignal);
    expect(await canceled.handle.result()).toMatchObject({ status: 'canceled', canceled: 1_100 });
  });
});
