import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { type InjectedSinks, Worker } from '@temporalio/worker';
import { expect, inject } from 'vitest';
import type { ScheduleSinks } from './schedule-interceptors.js';
import { tracedBundlePath } from './traced-bundle.js';

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

/** Replays every run of a workflow. @throws DeterminismViolationError; AssertionError where an activity is asked for another call. */
export async function replayRuns(client: Client, workflowId: string): Promise<void> {
  for (const history of await historiesOf(client, workflowId)) await replay(history, workflowId);
}

/**
 * Replays a history, and compares what each local activity was asked for. Temporal knows them by their numbers alone: the answer for one
 * call could be taken for another's.
 */
export async function replay(
  history: History,
  workflowId: string,
  codePath: string = inject('replayBundlePath'),
): Promise<void> {
  const asked = new Map<number, string>();
  const sinks: InjectedSinks<ScheduleSinks> = {
    schedule: {
      localActivity: { fn: (_, seq, summary) => void asked.set(seq, summary), callDuringReplay: true },
    },
  };
  await Worker.runReplayHistory({ workflowBundle: { codePath }, sinks }, history, workflowId);
  const recorded = new Map(answered(history));
  expect(new Map([...recorded.keys()].map((seq) => [seq, asked.get(seq)]))).toEqual(recorded);
}

/** The numbers and the summaries of the local activities of a history. */
const answered = (history: History): [number, string][] =>
  (history.events ?? []).flatMap((event) => {
    const [data] = event.markerRecordedEventAttributes?.details?.data?.payloads ?? [];
    const summary = event.userMetadata?.summary;
    return data && summary ? [[decoded<{ seq: number }>(data).seq, decoded<string>(summary)]] : [];
  });

const decoded = <T>(payload: Payload): T => defaultPayloadConverter.fromPayload(payload);

/** What makes spans asks where they go. */
const NO_SPANS = { exporter: { export: { fn: () => undefined } } };

/** By the code that makes spans. */
export async function replayTraced(history: History, workflowId: string): Promise<void> {
  const codePath = await tracedBundlePath();
  await Worker.runReplayHistory({ workflowBundle: { codePath }, sinks: NO_SPANS }, history, workflowId);
}
