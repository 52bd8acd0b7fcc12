import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/** The histories of a batch's workflow and of its pages' workflows. */
export async function historiesOf(
  client: Client,
  workflowId: string,
): Promise<{ workflowId: string; history: History }[]> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const pages = (history.events ?? []).flatMap(
    ({ childWorkflowExecutionStartedEventAttributes: started }) => started?.workflowExecution?.workflowId ?? [],
  );
  const ofPages = pages.map(async (page) => ({
    workflowId: page,
    history: await client.workflow.getHandle(page).fetchHistory(),
  }));
  return [{ workflowId, history }, ...(await Promise.all(ofPages))];
}

/** A history as text, with what its payloads say: they are base64 in JSON, so whatever may be that is decoded as well. */
export function textOfHistory(history: History): string {
  const json = JSON.stringify(history);
  const parts = json.match(/[A-Za-z0-9+/=]{8,}/g) ?? [];
  return [json, ...parts.map((part) => Buffer.from(part, 'base64').toString('latin1'))].join('\n');
}

/** Replays a batch and its pages. @throws DeterminismViolationError */
export async function replayBatch(client: Client, workflowId: string): Promise<void> {
  for (const { history } of await historiesOf(client, workflowId)) {
    await Worker.runReplayHistory({ workflowBundle: { codePath: inject('workflowBundlePath') } }, history, workflowId);
  }
}
