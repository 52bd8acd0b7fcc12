import type { BatchResult, BatchStatus, CallOutcome, Counts, EndpointProgress } from '../contract/batch.js';
import { type FailureType, failureMessage } from '../contract/failures.js';
import { MAX_ERRORS_IN_RESULT, PAGE_SIZE } from '../contract/limits.js';
import type { OutcomesPage, ProgressReport } from '../contract/messages.js';
import { type Batch, type Call, type Route, statusOf } from './batch.js';

/** Endpoints that a progress names; a resend may have thousands. */
const MAX_ENDPOINTS = 100;

export const isoTime = (ms: number): string => new Date(ms).toISOString();

export function progressOf(batch: Batch): ProgressReport {
  return {
    batch_id: batch.id,
    user_id: batch.base.user_id,
    status: batchStatus(batch),
    ...batch.counts,
    endpoints: troubledEndpoints(batch).slice(0, MAX_ENDPOINTS),
    started_at: isoTime(batch.acceptedAt),
    finished_at: batch.finishedAt === null ? null : isoTime(batch.finishedAt),
  };
}

export function batchStatus(batch: Batch): BatchStatus {
  if (batch.finishedAt !== null) return endStatus(batch.counts);
  if (batch.canceling) return 'canceling';
  return batch.isPaused ? 'paused' : 'running';
}

const endStatus = ({ canceled }: Counts): 'canceled' | 'completed' => (canceled > 0 ? 'canceled' : 'completed');

/** Those that are down or gone. */
function troubledEndpoints(batch: Batch): EndpointProgress[] {
  return [...batch.routes.values()].flatMap((route) => {
    const trouble = troubleOf(route);
    return trouble ? [{ url: route.endpoint.ref.label, ...trouble }] : [];
  });
}

export function troubleOf({ batch, endpoint, goneSince }: Route): Omit<EndpointProgress, 'url'> | undefined {
  if (goneSince !== null) return { state: 'gone', since: isoTime(goneSince) };
  if (batch.finishedAt !== null || endpoint.stateFor(batch.downAfter) === 'up') return undefined;
  return { state: 'down', since: isoTime(endpoint.failingSince ?? endpoint.lastTriedAt) };
}

/** One page of at most 500 calls, in the order of the request. */
export function outcomesOf({ calls }: Batch, page: number): OutcomesPage {
  return {
    page,
    pages: Math.ceil(calls.length / PAGE_SIZE),
    outcomes: calls.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map(outcomeOf),
  };
}

function outcomeOf(call: Call): CallOutcome {
  const { id: call_id, error } = call;
  const status = statusOf(call);
  return error === null ? { call_id, status } : { call_id, status, error: errorOf(error, call_id) };
}

const errorOf = (type: FailureType, callId: string) => ({ type, message: failureMessage(type, callId) });

/** Of a finished batch. */
export function resultOf(batch: Batch): BatchResult {
  const { id: batch_id, counts, acceptedAt, finishedAt } = batch;
  const errors = batch.calls.flatMap(({ id: call_id, error }) =>
    error === null ? [] : [{ call_id, error, message: failureMessage(error, call_id) }],
  );
  return {
    batch_id,
    status: endStatus(counts),
    ...counts,
    started_at: isoTime(acceptedAt),
    finished_at: isoTime(finishedAt ?? acceptedAt),
    errors: errors.slice(0, MAX_ERRORS_IN_RESULT),
    errors_omitted: Math.max(0, errors.length - MAX_ERRORS_IN_RESULT),
  };
}
