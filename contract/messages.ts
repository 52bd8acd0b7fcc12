import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BatchRequest, BatchResult, CallOutcome, Progress } from './batch.js';

/** Workflow types by name, so that clients need not import workflow code. */
export const DELIVER_WORKFLOW = 'deliverWebhooks';
export const FIND_FAILED_WORKFLOW = 'findFailedWebhooks';
export const RESEND_FAILED_WORKFLOW = 'resendFailedWebhooks';
export const PRUNE_WORKFLOW = 'pruneWebhooks';

/** Input of the workflow that delivers: one batch, or several small ones that share it. */
export interface DeliverInput<Carried = unknown> {
  batches: BatchRequest[];
  /** The start carried the search attributes: the workflow keeps them up. */
  search_attributes?: true;
  /** Where the calls stand, when the workflow continues as new. */
  carried?: Carried;
}

/** In the order of the input. */
export interface DeliverResult {
  batches: BatchResult[];
}

/** What the `progress` query answers. */
export interface ProgressReport extends Progress {
  user_id: string;
}

/** One page (of at most 500 calls) of a batch's outcomes, in the order of the request. */
export interface OutcomesPage {
  page: number;
  pages: number;
  outcomes: CallOutcome[];
}

export interface OutcomesQuery {
  batch_id?: string;
  page?: number;
}

/** The batch that an order or a question is for; without one, every batch of the workflow, or the first. */
export interface BatchAddress {
  batch_id?: string;
}

/** Null for a batch that the workflow does not hold. */
export const progressQuery = defineQuery<ProgressReport | null, [BatchAddress?]>('progress');
export const outcomesQuery = defineQuery<OutcomesPage | null, [OutcomesQuery?]>('outcomes');

/** Waiting calls try now, all of them or those named. Calls that are untried, in flight or settled are left alone. */
export const retryNowSignal = defineSignal<[(BatchAddress & { call_ids?: string[] })?]>('retryNow');
/** In-flight attempts finish; no attempt starts until `resume`. */
export const pauseSignal = defineSignal<[BatchAddress?]>('pause');
/** Every waiting call goes on at once. */
export const resumeSignal = defineSignal<[BatchAddress?]>('resume');
/** In-flight attempts finish; every other unsettled call is settled as canceled. */
export const cancelSignal = defineSignal<[BatchAddress?]>('cancel');
/** From workers: an endpoint answers again, or is to be probed; these waiting calls try now. */
export const wakeSignal = defineSignal<[{ webhooks: { batch_id: string; call_ids: string[] }[] }]>('wake');

/** Memo of a workflow that delivers: readable without a worker. Set at its start. */
export interface DeliverMemo {
  batches: BatchMemo[];
}

export interface BatchMemo {
  batch_id: string;
  user_id: string;
  total: number;
  /** Of a request with an idempotency key, to tell a repeated one from another under the same key. */
  fingerprint?: string;
}
