import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';

export type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/** The histories of all runs of a workflow, the first run first: a continue-as-new begins another. */
export async function historiesOf(client: Client, workflowId: string): Promise<History[]> {
  const histories: History[] = [];
  let runId: string | undefined = await firstRunId(client, workflowId);
  while (runId) {
    const history: History = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(history);
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return histories;
}

async function firstRunId(client: Client, workflowId: string): Promise<string> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  if (!started?.firstExecutionRunId) throw new Error(`the history of ${workflowId} has no beginning`);
  return started.firstExecutionRunId;
}

/** A history as text, with what its payloads say: they are base64 in JSON, so all that looks like it is decoded as well. */
export function textOfHistory(history: History): string {
  const json = JSON.stringify(history);
  const parts = json.match(/[A-Za-z0-9+/=]{8,}/g) ?? [];
  return [json, ...parts.map((part) => Buffer.from(part, 'base64').toString('latin1'))].join('\n');
}

/** What makes spans asks where they go. */
const NO_SPANS = { exporter: { export: { fn: () => undefined } } };

/** Replays every run of a workflow. @throws DeterminismViolationError */
export async function replayRuns(client: Client, workflowId: string): Promise<void> {
  for (const history of await historiesOf(client, workflowId)) await replay(history, workflowId);
}

export async function replay(
  history: unknown,
  workflowId: string,
  codePath: string = inject('workflowBundlePath'),
): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: { codePath }, sinks: NO_SPANS }, history, workflowId);
}
