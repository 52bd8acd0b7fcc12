import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CallOutcome, Counts, EndpointState, Progress } from './batch.js';

/** Workflow types by name, so that clients need not import workflow code. */
export const BATCH_WORKFLOW = 'deliverBatch';
export const PAGE_WORKFLOW = 'deliverPage';
export const FIND_FAILED_WORKFLOW = 'findFailedWebhooks';
export const RESEND_FAILED_WORKFLOW = 'resendFailedWebhooks';

/** What the `progress` query answers; `running_pages` lets a client add what running pages know and the batch does not yet. */
export interface ProgressReport extends Progress {
  user_id: string;
  running_pages: { workflow_id: string; counts: Counts }[];
}

/** One page (of at most 500 calls) of a batch's outcomes, in the order of the request. */
export interface OutcomesPage {
  page: number;
  pages: number;
  outcomes: CallOutcome[];
  /** Set while the page runs as a workflow of its own, which knows more: ask it for page 0. */
  workflow_id?: string;
}

export const progressQuery = defineQuery<ProgressReport>('progress');
export const outcomesQuery = defineQuery<OutcomesPage, [page: number]>('outcomes');

/** Waiting calls try now, all of them or those named. Calls that are in flight or settled are left alone. */
export const retryNowSignal = defineSignal<[{ call_ids?: string[] }?]>('retryNow');
/** In-flight attempts finish; no attempt starts until `resume`. */
export const pauseSignal = defineSignal('pause');
/** Every unsettled call goes on at once. */
export const resumeSignal = defineSignal('resume');
/** In-flight attempts finish; every other unsettled call is settled as canceled. */
export const cancelSignal = defineSignal('cancel');

/** A page tells its batch where it stands: when its first attempts are done, and when its endpoint's state changes. */
export interface PageReport {
  page: number;
  first_attempts_done: boolean;
  counts: Counts;
  endpoint: EndpointState;
  endpoint_since: string | null;
}
export const pageReportSignal = defineSignal<[PageReport]>('pageReport');
/** A batch tells its pages that the endpoint answered 410 to another page. */
export const endpointGoneSignal = defineSignal('endpointGone');

/** Memo of a batch's workflow: readable without a worker. Whoever starts a batch sets it. */
export interface BatchMemo {
  user_id: string;
  /** Of the request, to tell a repeated one from another under the same idempotency key. */
  fingerprint?: string;
}
