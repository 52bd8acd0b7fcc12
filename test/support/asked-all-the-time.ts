import { readFile, writeFile } from 'node:fs/promises';
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
const ASKERS = 4;

/** Calls that fail, every tenth of a second, until it is enough; queries that take their time, so that activities end meanwhile. */
export class AskedAllTheTime {
  readonly batch = { call_ids: names(25) };
  #isEnough = false;

  /** `change`: of the workflows' code. */
  async script(change: (code: string) => string = (code) => code): Promise<Script> {
    const codePath = await bundleWorkflows(join(await temporaryFolder(), 'bundle.cjs'), [SLOW_QUESTIONS]);
    await writeFile(codePath, change(await readFile(codePath, 'utf8')));
    return {
      worker: { workflowBundle: { codePath } },
      begin: () => delay(5),
      deliver: async ({ call_id }) => {
        await delay(Number(call_id.slice(2)) % 7);
        return this.#isEnough ? { kind: 'delivered' } : { kind: 'retry', due_in: 100, endpoint_failed: false };
      },
    };
  }

  /** Asks and steers the workflow until so many of its tasks were ended by a query, before their local activities. */
  askUntil(tasks: number, run: ScriptedRun): Promise<void> {
    const ended = async () =>
      (await historiesOf(run.client, run.handle.workflowId)).reduce((sum, history) => sum + endedByQueries(history), 0);
    return this.askDuring(run, () =>
      during([() => steer(run.handle)], () =>
        expect.poll(ended, { timeout: 90_000, interval: 500 }).toBeGreaterThan(tasks),
      ),
    );
  }

  async askDuring({ client, handle }: ScriptedRun, work: () => Promise<void>): Promise<void> {
    // Of whichever run is the last.
    const last = client.workflow.getHandle(handle.workflowId);
    const askers = Array.from({ length: ASKERS }, () => () => last.query(progressQuery));
    await during(askers, work);
    this.#isEnough = true;
  }
}

/** Repeats each of these until the work has ended. */
async function during(repeated: readonly (() => Promise<unknown>)[], work: () => Promise<void>): Promise<void> {
  let isOver = false;
  const repeating = repeated.map(async (once) => {
    while (!isOver) await once();
  });
  try {
    await work();
  } finally {
    isOver = true;
    await Promise.all(repeating);
  }
}

async function steer(handle: ScriptedRun['handle']): Promise<void> {
  await handle.signal(pauseSignal);
  await delay(Math.random() * 100);
  await handle.signal(resumeSignal);
  await handle.signal(retryNowSignal, { call_ids: names(10) });
  await delay(Math.random() * 100);
}

/** Any other workflow task that has local activities ends with a timer or a regular activity. */
const endedByQueries = ({ events }: History): number =>
  (events ?? []).filter(({ markerRecordedEventAttributes }, index) => {
    const next = events?.[index + 1];
    return (
      markerRecordedEventAttributes &&
      (next?.workflowTaskScheduledEventAttributes ?? next?.workflowExecutionSignaledEventAttributes)
    );
  }).length;
