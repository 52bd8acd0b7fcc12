import type {
  Attempt,
  BatchBase,
  CallStanding,
  CheckpointInput,
  Counts,
  Endpoint,
  EndpointProgress,
  EndpointState,
  FailedPage,
  FailedQuery,
  FinalFailure,
  RegisteredPart,
  RegisterInput,
  Rejection,
  SettleInput,
  StoredWebhook,
  WebhookStatus,
} from '../contract/index.js';
import type { ReencryptProgress, ReencryptResult } from './encryption/reencrypt.js';
import type { EncryptionReport } from './encryption/report.js';

/**
 * What every room may ask of the database. Times are ISO 8601 in UTC by the database's clock, or milliseconds since the epoch where
 * a name says so. Every method throws `StoreUnavailableError` when the database is away, and `StoreQueryError` for what it refuses.
 */
export interface Store {
  /**
   * Registers batches and a row for each of their calls: `pending`, or rejected at once. Idempotent: a part that was registered before
   * answers what its rows say now. With `calls: true` the `calls` table decides which calls exist, and gives their payloads.
   * The same user and call in two parts are registered one after the other.
   */
  registerBatches(request: RegisterInput & { calls: boolean }): Promise<RegisteredPart[]>;

  /** Opens one attempt of a webhook that its batch has registered. Concurrent requests share statements. */
  openAttempt(request: OpenRequest): Promise<OpenResult>;
  /** Notes that an attempt that was opened `alone` is one among others from now on: its interruption does not count as one alone. */
  shareAttempt(seq: string): Promise<void>;
  /** Stores the text of a call that has been read, where the webhook has none yet. Safe to repeat. */
  storePayload(request: WebhookRef & { payload: string }): Promise<void>;
  /** Records how an attempt ended. Concurrent requests share statements. Safe to repeat. */
  closeAttempt(request: CloseRequest): Promise<CloseResult>;
  /** Deletes the unsettled webhook of a call that may not have one, and notes it in its batch's rejected calls. Safe to repeat. */
  rejectWebhook(request: WebhookRef & { error: Rejection }): Promise<CallStanding>;
  /** Fails one unsettled webhook for good, with a reason for people. Answers where it stands. Safe to repeat. */
  failWebhook(request: WebhookRef & { error: FinalFailure; reason: string }): Promise<CallStanding>;
  /** Settles webhooks of one batch without sending; those that stand otherwise, or have an attempt in flight, are answered. Safe to repeat. */
  settleWebhooks(request: SettleInput): Promise<[index: number, standing: CallStanding][]>;
  /**
   * Where the last attempts of these webhooks stand, for a process that does not make them. Closes those past their deadline as
   * interrupted. Concurrent requests share statements.
   */
  readStanding(ref: WebhookRef): Promise<WatchedStanding>;

  /** Records counts, pauses and ends of batches, and what workflows say of endpoints. Answers what changed of these. */
  checkpoint(request: CheckpointInput): Promise<EndpointChange[]>;
  /** Those of these batches that are registered whole and of whose webhooks none is `pending`; with the calls that they rejected. */
  firstAttemptsMade(batchIds: readonly string[]): Promise<FirstAttempts[]>;
  /** One user's batch as it is stored; undefined when it is not registered, or is another user's. */
  readBatch(userId: string, batchId: string): Promise<StoredBatch | undefined>;

  /** Those of these workflows' batches that are not finished. */
  findUnfinished(workflowIds: readonly string[]): Promise<{ workflow_id: string; batch_id: string }[]>;
  /**
   * Fails the unsettled webhooks of a batch that sends nothing any more, and finishes the batch when none is left. Those with an attempt in
   * flight are left alone until its end or its deadline. Returns how many it failed. Safe to repeat.
   */
  failUnsettled(batch: { batch_id: string; reason: string }): Promise<number>;

  /**
   * Takes up to `limit` of the longest waiting webhooks of one endpoint that may be tried now. They are `retrying`, of no paused batch, due
   * later than in a second, and not held by Retry-After. After each wake a webhook must have waited twice as long as before: 1 s, 2 s, 4 s
   * and so on. They are due now afterwards, so that no other worker takes them. Where there are not enough of them, it takes some that have
   * been due for a minute, too: their workflows were not told, or nobody can send them.
   */
  claimWaiting(endpoint: { user_id: string; url: string; limit: number }): Promise<WaitingWebhook[]>;
  /**
   * Takes one webhook for each of up to 200 endpoints that fail: of those that `claimWaiting` would take, the longest waiting one. It takes
   * the next after a fifth of the time for which the endpoint has failed, within the bounds in milliseconds, however many processes ask;
   * where no webhook may be tried now it looks again after the shortest interval.
   */
  claimProbes(interval: ProbeInterval): Promise<ClaimedProbes>;

  /** What waits to be sent in the whole store. It reads an index entry for each unsettled webhook: not to be asked for often. */
  readBacklog(): Promise<Backlog>;
  /**
   * Calls the listener with the attempts that this process closes as interrupted. Of several listeners the first is told, so that each is
   * counted once. Returns how to listen no more.
   */
  onInterrupted(listener: (attempts: InterruptedAttempt[]) => void): () => void;

  /** One user's webhook of a call; undefined when there is none. Concurrent requests share statements. */
  getWebhook(userId: string, callId: string): Promise<StoredWebhook | undefined>;
  /** The webhooks that a batch sent, in order of call ID, a page at a time. Where they are large, a page may hold fewer than asked for. */
  listBatchWebhooks(query: BatchWebhooksQuery): Promise<WebhookPage>;
  /** A user's endpoints: those that are down first, the longest first, then those that are gone, then the others; a page at a time. */
  listEndpoints(query: EndpointsQuery): Promise<EndpointPage>;
  /** Failed webhooks without their payloads, oldest failure first. */
  listFailed(query: FailedQuery): Promise<FailedPage>;
  /** Failed webhooks as the API shows them, oldest failure first. */
  listFailedWebhooks(query: FailedQuery): Promise<WebhookPage>;

  /**
   * Inserts or replaces calls of the `calls` table. Throws `InvalidRequestError`, and stores none of them, when one lacks usable IDs, has
   * the `call_id` of another call, or is not one JSON object of at most 10 MiB and 100 levels.
   */
  upsertCalls(calls: CallRecord[]): Promise<void>;

  /**
   * Removes webhooks and attempts of batches that finished before `finished_before` and that no other batch has taken over, a chunk at a
   * time. A batch keeps its row, so that a reset sends nothing; it is removed after another 90 days.
   */
  prune(options: { finished_before: Date; dry_run?: boolean }): Promise<Pruned>;
  /** As {@link prune}, one chunk: nothing is left when it answers zeros. */
  pruneSome(options: { finished_before: Date }): Promise<Pruned>;

  /**
   * Removes what a call said: its webhook's payload, the ends of its attempts, and its record in the `calls` table. The webhook's row stays,
   * so that it is never sent again: one that is unsettled is failed, and `resend` and `create` reject its call. An attempt in flight ends by
   * itself: until `in_flight_ms` is null again, its end may still be recorded. Undefined when there is nothing of it. Safe to repeat.
   */
  eraseCall(call: Pick<WebhookRef, 'user_id' | 'call_id'>): Promise<ErasedCall | undefined>;

  /** Creates an API key and returns it: the only time it can be seen. */
  createApiKey(userId: string, key?: string): Promise<{ key: string; prefix: string }>;
  listApiKeys(userId?: string): Promise<ApiKeyInfo[]>;
  /** False when no active key has that prefix. */
  revokeApiKey(prefix: string): Promise<boolean>;
  /** The user whose active key this is. */
  findUserByApiKey(key: string): Promise<string | undefined>;

  /** Adds a signing secret (Standard Webhooks, `whsec_` + base64) and returns it. Throws `InvalidRequestError`. */
  createSigningSecret(userId: string, options?: NewSigningSecret): Promise<CreatedSigningSecret>;
  listSigningSecrets(userId?: string): Promise<SigningSecretInfo[]>;
  /** False when no active secret has that ID. */
  revokeSigningSecret(id: string): Promise<boolean>;

  /**
   * Stores signing secrets and payloads as new ones are stored: encrypted with the newest key, or in the clear. Safe while workers run
   * that know the key; cut short, it is simply run again. `on_progress` is called after each chunk.
   */
  reencrypt(options?: { on_progress?: (progress: ReencryptProgress) => void }): Promise<ReencryptResult>;
  /**
   * How signing secrets and payloads are stored: in the clear, and with which keys. Looks at the first bytes of every value, a chunk of
   * rows at a time, and at about `limit` rows of a table at most (default 100,000).
   */
  inspectEncryption(options?: { limit?: number }): Promise<EncryptionReport>;

  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Connections of this process; undefined where the database is embedded. */
  connections(): Connections | undefined;
  close(): Promise<void>;
}

export interface Pruned {
  batches: number;
  webhooks: number;
}

/** A webhook as a batch means it: an answer about it is about this batch's part in it. */
export interface WebhookRef extends Pick<BatchBase, 'batch_id' | 'user_id'> {
  call_id: string;
}

export interface OpenRequest extends WebhookRef, Pick<BatchBase, 'send_type'> {
  /** After this time, plus two seconds, an open attempt counts as interrupted. */
  timeout_ms: number;
  /** Before its time, but not before Retry-After. */
  ordered: boolean;
  /** The call's text, where it has just been read. */
  payload?: string;
  /** How a webhook is tried whose last attempt was interrupted; absent: such a one is not opened, but answered as `suspect`. */
  isolation?: 'alone' | 'shared';
}

export type OpenResult =
  | OpenedAttempt
  /** There is no text to send yet, and the `calls` table has none. */
  | { kind: 'needs_payload'; accepted_at: string }
  | { kind: 'too_early'; due_in: number }
  /** Its last attempts, `in_a_row`, were interrupted; `alone` of them while no other attempt was in flight in their process. */
  | { kind: 'suspect'; in_a_row: number; alone: number }
  /** It is settled, or not this batch's any more, or was never registered (`rejected`, `CallNotFound`). */
  | { kind: 'standing'; standing: CallStanding }
  /** Another attempt is open; `remaining_ms` until its deadline, at least 0. */
  | { kind: 'open_elsewhere'; remaining_ms: number };

export interface OpenedAttempt {
  kind: 'opened';
  seq: string;
  webhook_id: string;
  url: string;
  /** The exact text to sign and send. */
  payload: string;
  sent_at: string;
  /** When its batch was accepted. */
  accepted_at: string;
  /** Finished attempts of this batch for this call, interrupted ones left out: the place in the schedule. */
  step: number;
  /** The user's signing secrets that are active now and not revoked, the one that became active last first. */
  secrets: string[];
}

export interface CloseRequest extends WebhookRef {
  seq: string;
  response_code: number | null;
  response_time_ms: number;
  error: string | null;
  /** Whether the endpoint as a whole failed: the webhooks that wait for it are then probed. */
  endpoint_failed: boolean;
  next: NextStep;
}

/** What becomes of the webhook. `held_ms`: Retry-After asks for so much, which nothing shortens; 0: it does not. */
export type NextStep =
  | { status: 'delivered' }
  | { status: 'retrying'; delay_ms: number; held_ms: number }
  | { status: 'failed'; error: FinalFailure; reason: string };

export interface CloseResult {
  /** Null where its call was erased meanwhile. */
  attempt: Attempt | null;
  /** Where the webhook stands now: an attempt that ends late does not undo a delivery. */
  standing: CallStanding;
  /** What its endpoint has become with it; null where that is as it was. Of attempts that are recorded together one tells. */
  endpoint_became: EndpointState | null;
}

/** `unknown`: no attempt of this batch was ever opened for it, or its last one ended and nothing tells more. */
export type WatchedStanding =
  | { kind: 'open'; remaining_ms: number }
  /** Its last attempt was interrupted; it is due now. */
  | { kind: 'interrupted' }
  | { kind: 'standing'; standing: CallStanding; endpoint_failed: boolean }
  | { kind: 'unknown' };

export interface FirstAttempts {
  batch_id: string;
  rejected: { call_id: string; error: Rejection }[];
}

/** A batch as it is stored. */
export interface StoredBatch extends Counts {
  batch_id: string;
  user_id: string;
  workflow_id: string;
  accepted_at: string;
  finished_at: string | null;
  paused: boolean;
  /** Whether all of its calls are registered; while some are not, they count as pending. */
  registered: boolean;
  endpoints: EndpointProgress[];
  rejected_calls: { call_id: string; error: Rejection }[];
}

export interface InterruptedAttempt extends WebhookRef {
  url: string;
  /** Finished attempts of this batch for this call, interrupted ones left out. */
  step: number;
}

/** An endpoint whose state is another one now. */
export interface EndpointChange {
  user_id: string;
  url: string;
  state: EndpointState;
}

export interface Backlog {
  /** Unsettled webhooks. */
  pending: number;
  retrying: number;
  /**
   * For how long the webhook that has waited longest could have been sent. It is due, its batch is not paused, Retry-After does not hold
   * it, and its endpoint is neither down nor back for less than ten minutes. 0: none.
   */
  oldest_overdue_ms: number;
  /** Endpoints that are down and that a webhook waits for. */
  endpoints_down: number;
  longest_endpoint_down_ms: number;
}

export interface Connections {
  in_use: number;
  idle: number;
  /** Statements that wait for a connection. */
  waiting: number;
}

/** How often one failing endpoint is probed, in milliseconds: the bounds of what its absence decides. */
export interface ProbeInterval {
  shortest_ms: number;
  longest_ms: number;
}

export interface ClaimedProbes {
  webhooks: WaitingWebhook[];
  /** It took as many endpoints as it may: others may be due. */
  more: boolean;
}

export interface WaitingWebhook {
  call_id: string;
  batch_id: string;
  workflow_id: string;
}

export interface BatchWebhooksQuery {
  user_id: string;
  batch_id: string;
  status?: WebhookStatus | undefined;
  call_ids?: string[];
  limit: number;
  cursor?: string | undefined;
}

export interface EndpointsQuery {
  user_id: string;
  state?: EndpointState | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface EndpointPage {
  endpoints: Endpoint[];
  next_cursor: string | null;
}

export interface WebhookPage {
  webhooks: StoredWebhook[];
  next_cursor: string | null;
}

export interface ErasedCall {
  /** Null where there is no webhook. */
  webhook: {
    /** Before and after. */
    was: WebhookStatus;
    is: WebhookStatus;
    /** Milliseconds until an attempt's deadline that is in flight; null: there is none. */
    in_flight_ms: number | null;
  } | null;
  /** How many were removed. */
  attempts: number;
  /** Whether there was a record in the `calls` table. */
  call_record: boolean;
}

export interface CallRecord {
  call_id: string;
  user_id: string;
  /** The call: text of a JSON object, sent as it is, or an object, serialised once. */
  data: string | Record<string, unknown>;
}

export interface ApiKeyInfo {
  prefix: string;
  user_id: string;
  created_at: string;
  revoked_at: string | null;
}

export interface NewSigningSecret {
  /** `whsec_` and the base64 of 24 to 64 bytes. Default: 32 random bytes. */
  secret?: string;
  /** Milliseconds from now until webhooks are signed with it. Default 0; at most 365 days. */
  activate_in_ms?: number;
}

export interface CreatedSigningSecret {
  id: string;
  secret: string;
  activates_at: string;
}

export interface SigningSecretInfo {
  id: string;
  user_id: string;
  created_at: string;
  /** From when on webhooks are signed with it. */
  activates_at: string;
  revoked_at: string | null;
}
