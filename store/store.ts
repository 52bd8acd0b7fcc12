import type { Attempt, FailedPage, FailedQuery, SendType, Webhook, WebhookStatus } from '../contract/index.js';

/** What every room may ask of the database. Times are ISO 8601 in UTC by the database's clock. */
export interface Store {
  /** Opens one attempt, and creates the webhook on a first one. Concurrent requests share one statement. */
  openAttempt(request: OpenRequest): Promise<OpenResult>;
  /** Records how an attempt ended. Concurrent requests share one statement. Safe to repeat. */
  closeAttempt(request: CloseRequest): Promise<CloseResult>;
  /** Closes an attempt whose deadline has passed with the error "interrupted"; leaves any other alone. */
  interruptAttempt(seq: string): Promise<void>;
  /** How an attempt that another process made stands. Concurrent requests share one statement. */
  readAttempt(seq: string): Promise<AttemptState>;
  /** Ends a webhook without sending, creating it where there is none. Concurrent requests share one statement. Safe to repeat. */
  settleWebhook(request: SettleRequest): Promise<SettleResult>;

  /** Those of the batches that have webhooks `pending` or `retrying`. */
  findUnsettled(batchIds: readonly string[]): Promise<string[]>;
  /**
   * Fails the webhooks that a batch has left `pending` or `retrying`, for a batch that sends nothing any more. Those with an attempt
   * in flight are left alone until its end or its deadline. Returns how many it failed. Safe to repeat.
   */
  failUnsettled(batch: { batch_id: string; reason: string }): Promise<number>;

  /**
   * Takes up to `limit` of the longest waiting webhooks of one endpoint that may be tried now: `retrying`, due later than in a
   * second, not held by Retry-After, and not woken too often (after each wake a webhook must have waited twice as long as the
   * time before: 1 s, 2 s, 4 s, ...). They are due now afterwards, so that nobody else takes them.
   */
  claimWaiting(endpoint: { user_id: string; url: string; limit: number }): Promise<WaitingWebhook[]>;
  /**
   * Takes, for each endpoint with webhooks waiting of which none is due within `interval_ms`, the longest waiting one that may be
   * woken, as above; here 17 minutes of waiting are always enough.
   */
  claimProbes(options: { interval_ms: number }): Promise<WaitingWebhook[]>;

  /** One user's webhook of a call; undefined when there is none or it is another user's. */
  getWebhook(userId: string, callId: string): Promise<Webhook | undefined>;
  /** The webhooks that a batch sent, in order of call ID, a page at a time. */
  listBatchWebhooks(query: BatchWebhooksQuery): Promise<{ webhooks: Webhook[]; next_cursor: string | null }>;
  /** Failed webhooks without their payloads, oldest failure first. */
  listFailed(query: FailedQuery): Promise<FailedPage>;
  /** Failed webhooks as the API shows them, oldest failure first. */
  listFailedWebhooks(query: FailedQuery): Promise<{ webhooks: Webhook[]; next_cursor: string | null }>;

  /** Inserts or replaces calls of the `calls` table. */
  upsertCalls(calls: CallRecord[]): Promise<void>;

  /** Creates an API key and returns it: the only time it can be seen. */
  createApiKey(userId: string, key?: string): Promise<{ key: string; prefix: string }>;
  listApiKeys(userId?: string): Promise<ApiKeyInfo[]>;
  /** False when no active key has that prefix. */
  revokeApiKey(prefix: string): Promise<boolean>;
  /** The user whose active key this is. */
  findUserByApiKey(key: string): Promise<string | undefined>;

  /** Adds a signing secret (Standard Webhooks, `whsec_` + base64) and returns it. */
  createSigningSecret(userId: string, secret?: string): Promise<{ id: string; secret: string }>;
  listSigningSecrets(userId?: string): Promise<SigningSecretInfo[]>;
  /** False when no active secret has that ID. */
  revokeSigningSecret(id: string): Promise<boolean>;

  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenRequest {
  batch_id: string;
  call_id: string;
  user_id: string;
  /** Required in a create; ignored in a resend. */
  webhook_url?: string;
  send_type: SendType;
  /** After this time, plus two seconds, an attempt that nobody has closed counts as interrupted. */
  timeout_ms: number;
  /** Where a new webhook's payload comes from: the `calls` table, this JSON text, or not known yet. */
  payload: PayloadSource;
}

export type PayloadSource = { from: 'calls' } | { from: 'text'; json: string } | { from: 'unknown' };

export type OpenResult =
  | OpenedAttempt
  /** `payload.from` was `unknown` and there is no webhook yet: ask again with the text. */
  | { kind: 'needs_payload' }
  /** The `calls` table has no such call, or it is another user's. */
  | { kind: 'call_not_found' }
  | { kind: 'webhook_exists' }
  | { kind: 'webhook_not_found' }
  | { kind: 'webhook_in_progress' }
  /** This batch has delivered it already. */
  | { kind: 'delivered'; attempt: Attempt }
  /** This batch has ended it already. */
  | { kind: 'settled'; status: 'failed' | 'canceled'; reason: string }
  /** An attempt of this batch is open; `remaining_ms` is zero or less once its deadline has passed. */
  | { kind: 'open_elsewhere'; seq: string; remaining_ms: number };

export interface OpenedAttempt {
  kind: 'opened';
  seq: string;
  webhook_id: string;
  url: string;
  /** The exact text to sign and send. */
  payload: string;
  sent_at: string;
  /** Finished attempts of this batch for this call, interrupted ones left out: the place in the schedule. */
  step: number;
  /** When this batch first sent the call; `sent_at` for a first attempt. */
  first_sent_at: string;
  /** The user's active signing secrets, newest first. */
  secrets: string[];
}

export interface CloseRequest {
  seq: string;
  call_id: string;
  batch_id: string;
  response_code: number | null;
  response_time_ms: number;
  error: string | null;
  next: NextStep;
}

/** What becomes of the webhook. `held_ms`: Retry-After asks for so much, which no success elsewhere shortens; 0: it does not. */
export type NextStep =
  | { status: 'delivered' }
  | { status: 'retrying'; delay_ms: number; held_ms: number }
  | { status: 'failed'; reason: string };

export interface CloseResult {
  attempt: Attempt;
  /** Where the webhook stands now: an attempt that ends late does not undo a delivery. */
  status: WebhookStatus;
}

export type AttemptState =
  | { kind: 'open'; remaining_ms: number }
  | { kind: 'closed'; attempt: Attempt; status: WebhookStatus; reason: string | null; next_attempt_in_ms: number };

export interface SettleRequest {
  batch_id: string;
  call_id: string;
  user_id: string;
  webhook_url?: string;
  send_type: SendType;
  payload: PayloadSource;
  status: 'failed' | 'canceled';
  reason: string;
}

export type SettleResult =
  | { kind: 'settled'; status: 'delivered' | 'failed' | 'canceled'; reason: string | null }
  | { kind: 'needs_payload' | 'call_not_found' | 'webhook_exists' | 'webhook_not_found' | 'webhook_in_progress' };

export interface WaitingWebhook {
  call_id: string;
  batch_id: string;
}

export interface BatchWebhooksQuery {
  user_id: string;
  batch_id: string;
  status?: WebhookStatus;
  call_ids?: string[];
  limit: number;
  cursor?: string;
}

export interface CallRecord {
  call_id: string;
  user_id: string;
  /** The call as it will be sent. */
  data: Record<string, unknown>;
}

export interface ApiKeyInfo {
  prefix: string;
  user_id: string;
  created_at: string;
  revoked_at: string | null;
}

export interface SigningSecretInfo {
  id: string;
  user_id: string;
  created_at: string;
  revoked_at: string | null;
}
