import type { BatchBase, BatchOptions, Counts } from './batch.js';
import type { FinalFailure, Rejection } from './failures.js';

/** What the workflow's activities take and return. Failures of webhooks are data; nothing is thrown for them. */

/** An answer with the whole milliseconds that the activity took: time in a workflow task is counted by them. */
export type Timed<T> = T & { took: number };

/** Letters that have come in to a workflow, of each kind: they keep their order among their kind alone. */
export type LetterCounts = Record<'news' | 'orders' | 'cancellations', number>;

/** What a workflow finds at the beginning of a chain of local activities. The first of them answers it, and so the history has it. */
export interface Beginning {
  /** Milliseconds since the epoch: at least this late. It is answered by the clock of the worker. */
  at: number;
  letters: LetterCounts;
  /** The run is to be continued as new. */
  is_long: boolean;
}

/** The store does not answer: nothing was done. */
export interface StoreAway {
  kind: 'store_away';
}

/** An endpoint, without its URL: the book of a large resend must stay small. */
export interface EndpointRef {
  /** Hash of user and URL. */
  key: string;
  /** Hash of user, scheme, host and port: what limits of attempts in flight are kept for. */
  origin: string;
  /** For people: the URL without its query, cut to 100 characters. */
  label: string;
}

/** A part of a batch that is to be registered: at most 500 calls from `offset` on. */
export interface RegisterPart extends BatchBase {
  call_ids: string[];
  offset: number;
  /** Calls of the whole batch. */
  total: number;
}

export interface RegisterInput {
  workflow_id: string;
  /** Milliseconds since the epoch, by the workflow's clock. What was registered first stands. */
  accepted_at: number;
  parts: RegisterPart[];
  /** Where it begins a chain; the answer has it as well. */
  beginning?: Beginning;
}

/** Where a call of a registered batch stands. A fresh call is `untried`, and not mentioned. */
export type CallStanding =
  | { status: 'rejected'; error: Rejection }
  | { status: 'delivered' }
  | { status: 'failed' | 'canceled'; error: FinalFailure }
  /** An attempt has failed; the next is due after so many milliseconds. */
  | { status: 'retrying'; due_in: number }
  /** An attempt is open in the store. */
  | { status: 'in_flight' };

export interface RegisteredPart {
  batch_id: string;
  offset: number;
  /** As first registered, milliseconds since the epoch. */
  accepted_at: number;
  /** Milliseconds for which the batch was paused, and since when it is, as recorded. */
  paused_ms: number;
  paused_since: number | null;
  endpoints: EndpointRef[];
  /** For each call its place in `endpoints`, or one place for all. A rejected call has -1. */
  endpoint_of: number | number[];
  /** Calls that are not simply untried: [place in the part, where it stands]. */
  standings: [index: number, standing: CallStanding][];
}

export type Registration =
  | {
      kind: 'registered';
      parts: RegisteredPart[];
      /** Milliseconds from acceptance, pauses not counted, after which nothing is tried any more. */
      horizon_ms: number;
    }
  | StoreAway;

export type RegisterResult = Timed<Registration> & Pick<RegisterInput, 'beginning'>;

/** Input of the `deliverWebhook` activity. */
export interface DeliveryInput extends BatchBase {
  call_id: string;
  endpoint: Pick<EndpointRef, 'key' | 'origin'>;
  /** Somebody ordered it: before its time, but not before Retry-After. */
  ordered?: true;
  /** Milliseconds until the batch's horizon. */
  remaining_ms: number;
  /** Attempts that are begun together are answered together. */
  round: RoundRef;
}

export interface RoundRef {
  /** Counted in a workflow run. */
  number: number;
  /** How many attempts it has. */
  size: number;
}

/** What became of one execution of `deliverWebhook`, or of an attempt that was watched. */
export type DeliveryEnd =
  | { kind: 'delivered' }
  /** An attempt failed, and another is due. `endpoint_failed`: the endpoint as a whole failed, not this one webhook. */
  | {
      kind: 'retry';
      due_in: number;
      endpoint_failed: boolean;
      /** For people: the endpoint's status, or why none came; at most 60 characters. */
      answer?: string;
    }
  | { kind: 'failed' | 'canceled'; error: FinalFailure; endpoint_failed?: boolean }
  | { kind: 'rejected'; error: Rejection }
  /** No attempt was made: it is not due yet, or this process has as many in flight at the endpoint as it may. */
  | { kind: 'too_early' | 'busy'; due_in: number }
  /** No attempt was made: the call could not be read now. `source_away`: the source failed as a whole, not for this call. */
  | { kind: 'unread'; due_in: number; source_away: boolean }
  /** The attempt outlasted its patience and goes on in the worker process. `unopened`: it still waits for a place, or for the store. */
  | { kind: 'slow'; unopened?: true }
  /** The call is still being read in the worker process; no attempt was made. */
  | { kind: 'reading' }
  /** The call has been read: an attempt may be made. */
  | { kind: 'read' }
  /** The attempt's worker died, or the process that should know of it does not: due again. */
  | { kind: 'interrupted' }
  | StoreAway;

export type DeliveryResult = Timed<DeliveryEnd> & {
  /** `markOf` the call. */
  of: string;
};

/**
 * By what an answer is known to be this call's. Temporal knows local activities by their numbers alone: a replay that makes another
 * decision would take one call's answer for another's.
 */
export const markOf = (callId: string): string => callId.slice(-6);

/** Webhooks of one batch whose attempts outlasted their patience. */
export interface WatchedGroup extends BatchBase {
  call_ids: string[];
}

/** Input of the `watchAttempts` activity. */
export interface WatchInput {
  groups: WatchedGroup[];
  /** Milliseconds after which it returns at the latest, with what has ended by then. */
  window_ms: number;
}

export interface WatchResult {
  ends: [group: number, index: number, end: DeliveryEnd][];
}

/** Input of the `settleWebhooks` activity: settles at most 500 calls of a batch without sending. */
export interface SettleInput extends BatchBase {
  call_ids: string[];
  status: 'failed' | 'canceled';
  error: FinalFailure;
}

/** Every call is now settled as asked for, but for those mentioned. */
export type Settled = { kind: 'settled'; standings: [index: number, standing: CallStanding][] } | StoreAway;

export type SettleResult = Timed<Settled>;

/** Input of the `checkpoint` activity: what of the book an operator may see without a worker, and what a reset must not lose. */
export interface CheckpointInput {
  batches: {
    batch_id: string;
    counts: Counts;
    paused_ms: number;
    paused_since: number | null;
    /** Milliseconds since the epoch; null while it runs. */
    finished_at: number | null;
  }[];
  /** Those that a workflow has come to take for down; attempts tell everything else of them. */
  endpoints: { user_id: string; key: string }[];
}

export type CheckpointResult = Timed<{ kind: 'recorded' } | StoreAway>;

/** Input of the `findFailed` activity and filter of the failed webhooks' list. Times are ISO 8601. */
export interface FailedQuery {
  user_id: string;
  /** Webhooks that failed at or after this time. */
  since: string;
  /** Webhooks that failed before this time; now, if absent. */
  until?: string | undefined;
  url?: string | undefined;
  batch_id?: string | undefined;
  /** At most 500. */
  limit: number;
  /** From the page before. */
  cursor?: string | undefined;
}

/** A failed webhook as the store-less client sees it: no payload. */
export interface FailedWebhook {
  call_id: string;
  batch_id: string;
  url: string;
  reason: string | null;
  failed_at: string;
  attempts: number;
}

export interface FailedPage {
  webhooks: FailedWebhook[];
  next_cursor: string | null;
}

/** Input of the workflow that sends failed webhooks again. The window is fixed at the start, so that what fails again is not sent forever. */
export interface ResendFailedInput {
  user_id: string;
  since: string;
  until: string;
  url?: string;
  /** Of each batch that it starts. */
  options?: BatchOptions;
  /** Set by the workflow itself when it continues as new. */
  cursor?: string;
  done?: ResendFailedResult;
  /** The start carried the search attributes: its batches carry them, too. */
  search_attributes?: true;
}

export interface ResendFailedResult {
  /** The batches that were started, in the order of their start. */
  batches: string[];
  /** How many webhooks they were given; what another resend has taken meanwhile is sent once. */
  calls: number;
}

/** Input of the workflow that a Schedule starts to remove what finished batches have left. */
export interface PruneInput {
  /** Milliseconds since a batch has finished. */
  older_than_ms: number;
  /** Set by the workflow itself when it continues as new: milliseconds since the epoch, and what was removed by then. */
  goes_on?: { finished_before: number; done: PruneResult };
}

export interface PruneResult {
  batches: number;
  webhooks: number;
}

/** Input of the `pruneWebhooks` activity, which removes for some seconds. `is_done`: nothing is left. */
export interface PruneRequest {
  finished_before: number;
}
export type PruneProgress = PruneResult & { is_done: boolean };
