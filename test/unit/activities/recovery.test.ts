import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Recovery, type Wake, wakesOf } from '../../../activities/recovery.js';
import { StopSignal } from '../../../activities/stop-signal.js';
import type { WaitingWebhook } from '../../../store/index.js';

const waiting = (workflow: number, batch: number, call: number): WaitingWebhook => ({
  workflow_id: `postcall-${workflow}`,
  batch_id: `${workflow}.${batch}`,
  call_id: `c-${call}`,
});

describe('waiting webhooks', () => {
  it('are woken by one signal for each workflow', () => {
    expect(wakesOf([waiting(1, 1, 1), waiting(2, 1, 2), waiting(1, 2, 3), waiting(1, 1, 4)])).toEqual([
      [
        'postcall-1',
        {
          webhooks: [
            { batch_id: '1.1', call_ids: ['c-1', 'c-4'] },
            { batch_id: '1.2', call_ids: ['c-3'] },
          ],
        },
      ],
      ['postcall-2', { webhooks: [{ batch_id: '2.1', call_ids: ['c-2'] }] }],
    ]);
  });

  it('are at most 500 in one signal', () => {
    const wakes = wakesOf(Array.from({ length: 1_001 }, (_, call) => waiting(1, call % 3, call)));
    const sizes = wakes.map(([, { webhooks }]) => webhooks.reduce((sum, { call_ids }) => sum + call_ids.length, 0));
    expect(sizes).toEqual([500, 500, 1]);
  });
});

/** What a look for probes takes; more: as much as it may. */
type Look = WaitingWebhook[] | { webhooks: WaitingWebhook[]; more: true } | Error;

/** A recovery of which claims and signals are written down. */
function recovery(
  claims: { waiting?: WaitingWebhook[][]; looks?: Look[]; interval_ms?: number },
  wake: (workflowId: string, wake: Wake) => Promise<void>,
) {
  const { waiting = [], looks = [], interval_ms = 10 } = claims;
  const limits: number[] = [];
  const errors: unknown[] = [];
  const stopping = new StopSignal();
  const made = new Recovery({
    store: {
      claimWaiting: async ({ limit }) => {
        limits.push(limit);
        return waiting.shift() ?? [];
      },
      claimProbes: async () => {
        const look = looks.shift() ?? [];
        if (look instanceof Error) throw look;
        return Array.isArray(look) ? { webhooks: look, more: false } : look;
      },
    },
    wake,
    onError: (error) => errors.push(error),
    stopping,
    probeInterval: { shortest_ms: interval_ms, longest_ms: interval_ms },
  });
  return { made, limits, errors, stopping };
}

describe('a delivery', () => {
  it('wakes ten of those that wait for its endpoint', async () => {
    const woken: string[] = [];
    const { made, limits, stopping } = recovery(
      { waiting: [[waiting(1, 1, 1)]] },
      async (workflowId) => void woken.push(workflowId),
    );
    made.delivered({ user_id: 'u-1', url: 'http://one' });
    await expect.poll(() => woken).toEqual(['postcall-1']);
    expect(limits).toEqual([10]);
    stopping.stop();
    await made.idle();
  });

  it('wakes the others although one workflow cannot be signaled', async () => {
    const woken: string[] = [];
    const claims = [Array.from({ length: 30 }, (_, workflow) => waiting(workflow, 1, 1))];
    const { made, errors, stopping } = recovery({ waiting: claims }, async (workflowId) => {
      if (workflowId === 'postcall-0') throw new Error('unavailable');
      woken.push(workflowId);
    });
    made.delivered({ user_id: 'u-1', url: 'http://one' });
    await expect.poll(() => woken.length).toBe(29);
    expect(errors).toEqual([new Error('unavailable')]);
    stopping.stop();
    await made.idle();
  });

  it('after the worker has begun to stop wakes nobody', async () => {
    const { made, limits, stopping } = recovery({ waiting: [[waiting(1, 1, 1)]] }, async () => expect.unreachable());
    stopping.stop();
    made.delivered({ user_id: 'u-1', url: 'http://one' });
    await made.idle();
    expect(limits).toEqual([]);
  });
});

describe('probes', () => {
  it('come again and again until the worker stops', async () => {
    const woken: string[] = [];
    const looks = [[waiting(1, 1, 1)], [], [waiting(2, 1, 1)]];
    const { made, stopping } = recovery({ looks }, async (workflowId) => void woken.push(workflowId));
    made.start();
    await expect.poll(() => woken).toEqual(['postcall-1', 'postcall-2']);
    stopping.stop();
    await made.idle();
  });

  it('go on after a look and signals that failed, each of which is told of', async () => {
    const woken: string[] = [];
    const unreachable = Array.from({ length: 30 }, (_, workflow) => waiting(workflow, 1, 1));
    const looks = [new Error('no database'), unreachable, [waiting(30, 1, 1)]];
    const { made, errors, stopping } = recovery({ looks }, async (workflowId) => {
      if (workflowId !== 'postcall-30') throw new Error(workflowId);
      woken.push(workflowId);
    });
    made.start();
    await expect.poll(() => woken).toEqual(['postcall-30']);
    expect(errors).toEqual([new Error('no database'), ...unreachable.map(({ workflow_id }) => new Error(workflow_id))]);
    stopping.stop();
    await made.idle();
  });

  it('do not rest while a look takes as many as it may', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => random.mockRestore());
    const woken: string[] = [];
    const looks: Look[] = [
      { webhooks: [waiting(1, 1, 1)], more: true },
      { webhooks: [], more: true },
      [waiting(2, 1, 1)],
      [waiting(3, 1, 1)],
    ];
    const claims = { looks, interval_ms: 3_600_000 };
    const { made, stopping } = recovery(claims, async (workflowId) => void woken.push(workflowId));
    made.start();
    await expect.poll(() => woken).toEqual(['postcall-1', 'postcall-2']);
    stopping.stop();
    await made.idle();
    expect(woken).toEqual(['postcall-1', 'postcall-2']);
    expect(looks).toHaveLength(1);
  });
});
