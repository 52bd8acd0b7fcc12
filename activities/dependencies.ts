import type { Store } from '../store/store.js';
import type { ActivityContext } from './activity-context.js';
import type { AttemptTracer } from './attempt-tracer.js';
import type { CallSource } from './call-sources/call-source.js';
import type { DeliveryEvents } from './delivery-events.js';
import type { Isolation } from './isolation.js';
import type { MissingKeys } from './missing-keys.js';
import type { OriginLimit } from './origin-limit.js';
import type { ReadLimit } from './read-limit.js';
import type { ReadPolicy } from './read-policy.js';
import type { RetryPolicy } from './retry-schedule.js';
import type { Sender } from './send.js';
import type { StopSignal } from './stop-signal.js';

/** What the activities use, wired by the worker. */
export interface Dependencies {
  store: Store;
  /** Where calls come from; absent: the store's `calls` table. */
  calls?: CallsOptions;
  sender: Sender;
  /** Milliseconds that one attempt may take in all; the sender's own limit. */
  attemptTimeoutMs: number;
  retryPolicy: RetryPolicy;
  /** Attempts in flight per user and origin in this process. */
  originLimit: OriginLimit;
  /** Told of each delivery, so that webhooks that wait for the same endpoint are woken. */
  onDelivered?: (endpoint: Endpoint) => void;
  /** Told of attempts and settled webhooks, for metrics and logs. */
  events?: DeliveryEvents;
  /** Makes a span for each attempt. Absent: requests carry the batch's `traceparent` as it is. */
  tracer?: AttemptTracer;
  /** Told of faults that do not stop the worker: a statement that the database refuses, an attempt that cannot be recorded. */
  onFault: (what: string, error: unknown) => void;
  /** Ends watches when the worker stops. */
  stopping: StopSignal;
  /** Default: Temporal's context of the execution under way. */
  context?: () => ActivityContext;
}

/** What the attempts of one process share. */
export interface AttemptTools extends Dependencies {
  isolation: Isolation;
  missingKeys: MissingKeys;
  reads: ReadLimit;
}

/** A call source, and how long a call may take to come in. */
export interface CallsOptions {
  source: CallSource;
  /** The owner of calls that name none; absent: the user who asks. */
  defaultUserId?: string;
  /** The top-level field that is `true` once a record is complete; absent: every record is. */
  readyField?: string;
  policy: ReadPolicy;
}

/** Attempts to one URL on behalf of one user share health and wakes. */
export interface Endpoint {
  user_id: string;
  url: string;
}
