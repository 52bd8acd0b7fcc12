import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { pauseSignal, progressQuery, resumeSignal, retryNowSignal } from '../../contract/index.js';
import { names } from './book-world.js';
import { type History, historiesOf } from './histories.js';
import type { Script, ScriptedRun } from './scripted.js';
import { temporaryFolder } from './temporary-folder.js';
import { bundleWorkflows } from './workflow-bundle.js';

const SLOW_QUESTIONS = fileURLToPath(new URL('slow-questions.ts', import.meta.url));

/**
 * A batch whose calls fail until so many of its workflow tasks were ended by a query, with answers of local activities that were in while
 * others were not. Some of these the workflow had not been given yet.
 */
export function askedAllTheTime(tasks: number) {
  let isEnough = false;
  return {
    batches: [{ call_ids: names(25) }],
    script: async (): Promise<Script> => ({
      bundlePath: await bundleWorkflows(join(await temporaryFolder(), 'bundle.cjs'), [SLOW_QUESTIONS]),
      deliver: async ({ call_id }) => {
        await delay(Number(call_id.slice(2)) % 7);
        return isEnough ? { kind: 'delivered' } : { kind: 'retry', due_in: 100, endpoint_failed: false };
      },
    }),
    meanwhile: async (run: ScriptedRun): Promise<void> => {
      const stop = new AbortController();
      const works = [ask, ask, ask, ask, steer].map((work) => repeat(stop.signal, () => work(run)));
      try {
        await expect.poll(() => endedByQueries(run), { timeout: 90_000, interval: 500 }).toBeGreaterThan(tasks);
      } finally {
        stop.abort();
        await Promise.all(works);
      }
      isEnough = true;
    },
    expected: { delivered: 25 },
  };
}

async function repeat(until: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  while (!until.aborted) await work();
}

const ask = ({ handle }: ScriptedRun) => handle.query(progressQuery);

async function steer({ handle }: ScriptedRun): Promise<void> {
  await handle.signal(pauseSignal);
  await delay(Math.random() * 100);
  await handle.signal(resumeSignal);
  await handle.signal(retryNowSignal, { call_ids: names(10) });
  await delay(Math.random() * 100);
}

async function endedByQueries({ client, handle }: ScriptedRun): Promise<number> {
  const histories = await historiesOf(client, handle.workflowId);
  return histories.reduce((sum, history) => sum + endedEarly(history), 0);
}

/** Any other workflow task that has local activities ends with a timer or a regular activity. */
const endedEarly = ({ events }: History): number =>
  (events ?? []).filter(({ markerRecordedEventAttributes }, index) => {
    const next = events?.[index + 1];
    return (
      markerRecordedEventAttributes &&
      (next?.workflowTaskScheduledEventAttributes ?? next?.workflowExecutionSignaledEventAttributes)
    );
  }).length;
