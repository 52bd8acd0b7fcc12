import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { EndpointState, FinalFailure, SendType, WebhookStatus } from '../contract/index.js';

/** Milliseconds: what the API shows is what is stored, so that cursors and comparisons are exact. */
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** Finished calls, as they were imported. `text`, not `json`: the bytes stored are the bytes signed and sent. */
export const calls = pgTable(
  'calls',
  {
    userId: text('user_id').notNull(),
    callId: text('call_id').notNull(),
    data: text('data').notNull(),
    importedAt: time('imported_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.callId] })],
);

/** One row for each accepted request: the record of a finished batch. Of a running one its webhooks tell more. */
export const batches = pgTable(
  'batches',
  {
    batchId: text('batch_id').primaryKey(),
    workflowId: text('workflow_id').notNull(),
    userId: text('user_id').notNull(),
    sendType: text('send_type').$type<SendType>().notNull(),
    total: integer('total').notNull(),
    /** Calls that are registered so far, always the first ones of the request. */
    registered: integer('registered').notNull().default(0),
    /** JSON of the counts, when it was last told. */
    counts: text('counts'),
    acceptedAt: time('accepted_at').notNull(),
    pausedSince: time('paused_since'),
    pausedMs: bigint('paused_ms', { mode: 'number' }).notNull().default(0),
    finishedAt: time('finished_at'),
    /** When its webhooks were removed: it must not be registered anew. */
    prunedAt: time('pruned_at'),
  },
  (table) => [
    index('batches_workflow').on(table.workflowId),
    index('batches_paused').on(table.userId, table.batchId).where(sql`${table.pausedSince} is not null`),
    index('batches_finished').on(table.finishedAt, table.batchId).where(sql`${table.prunedAt} is null`),
    index('batches_pruned').on(table.prunedAt).where(sql`${table.prunedAt} is not null`),
  ],
);

/** Calls of a batch that have no webhook by it. */
export const rejections = pgTable(
  'rejections',
  {
    batchId: text('batch_id').notNull(),
    callId: text('call_id').notNull(),
    error: text('error').notNull(),
  },
  (table) => [primaryKey({ columns: [table.batchId, table.callId] })],
);

/** One row for each call of a user that has a webhook, for all batches. */
export const webhooks = pgTable(
  'webhooks',
  {
    userId: text('user_id').notNull(),
    callId: text('call_id').notNull(),
    /** The `webhook-id` header, the same at every attempt. */
    id: text('id').notNull(),
    url: text('url').notNull(),
    /** Key of its endpoint: a hash of user and URL. */
    endpoint: text('endpoint').notNull(),
    /** The very text that is sent; null until the call has been read. */
    payload: text('payload'),
    /** The batch that last sent it, or sends it now. */
    batchId: text('batch_id').notNull(),
    status: text('status').$type<WebhookStatus>().notNull(),
    error: text('error').$type<FinalFailure>(),
    /** Why it is failed or canceled, for people. */
    reason: text('reason'),
    /** Finished attempts of its batch, interrupted ones left out. */
    step: integer('step').notNull().default(0),
    /** Attempts in a row that were interrupted; `alone` of them as the only ones in their process. */
    interruptions: integer('interruptions').notNull().default(0),
    interruptionsAlone: integer('interruptions_alone').notNull().default(0),
    nextAttemptAt: time('next_attempt_at'),
    /** Until when Retry-After keeps it from being tried. */
    notBefore: time('not_before'),
    /** Since when it waits for its next attempt. */
    waitingSince: time('waiting_since'),
    /** How often it was woken before its time since its batch took it on. */
    wakes: integer('wakes').notNull().default(0),
    createdAt: time('created_at').notNull(),
    acceptedAt: time('accepted_at').notNull(),
    /** When it became delivered, failed or canceled. */
    settledAt: time('settled_at'),
    /** When its payload was removed for good: it is never sent again. */
    erasedAt: time('erased_at'),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.callId] }),
    uniqueIndex('webhooks_id').on(table.id),
    index('webhooks_batch').on(table.batchId, table.callId),
    // The last columns of the two longer ones measure the backlog from the indexes alone, without reading a row.
    index('webhooks_pending')
      .on(table.batchId, table.endpoint, table.acceptedAt)
      .where(sql`${table.status} = 'pending'`),
    index('webhooks_untried').on(table.endpoint).where(sql`${table.status} = 'pending'`),
    index('webhooks_waiting')
      .on(table.endpoint, table.waitingSince, table.batchId, table.nextAttemptAt, table.notBefore)
      .where(sql`${table.status} = 'retrying'`),
    index('webhooks_failed').on(table.userId, table.settledAt, table.callId).where(sql`${table.status} = 'failed'`),
  ],
);

/** Every send attempt. Open while `finished_at` is null. */
export const attempts = pgTable(
  'attempts',
  {
    seq: bigint('seq', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    webhookId: text('webhook_id').notNull(),
    batchId: text('batch_id').notNull(),
    sendType: text('send_type').$type<SendType>().notNull(),
    sentAt: time('sent_at').notNull(),
    /** After this time an open attempt counts as interrupted. */
    deadline: time('deadline').notNull(),
    /** No other attempt was in flight in its process. */
    alone: boolean('alone').notNull(),
    finishedAt: time('finished_at'),
    responseCode: integer('response_code'),
    responseTimeMs: integer('response_time_ms'),
    error: text('error'),
  },
  (table) => [
    index('attempts_webhook').on(table.webhookId, table.seq),
    index('attempts_batch').on(table.batchId, table.webhookId),
    uniqueIndex('attempts_open').on(table.webhookId).where(sql`${table.finishedAt} is null`),
  ],
);

/** What is known of endpoints across batches: a row for each that a webhook was registered for. */
export const endpoints = pgTable(
  'endpoints',
  {
    /** A hash of user and URL. */
    key: text('key').primaryKey(),
    userId: text('user_id').notNull(),
    url: text('url').notNull(),
    /** By the attempts of all batches, and by workflows that take it for down earlier. */
    state: text('state').$type<EndpointState>().notNull().default('up'),
    since: time('since').notNull().defaultNow(),
    /** Failures at its level in a row, counted up to those that make it down. */
    failures: integer('failures').notNull().default(0),
    /** The first of them, or of the answers that refused webhooks since. While it is set those that wait are probed: a delivery ends that. */
    failingSince: time('failing_since'),
    /** When the next of them may be claimed as a probe; null: after the shortest interval of a worker. */
    nextProbeAt: time('next_probe_at'),
    /** What it answered last; one that answers the same all the time is noted once a second. */
    answeredAt: time('answered_at'),
    responseCode: integer('response_code'),
    error: text('error'),
    /** When a webhook was last registered for it, to a day. */
    usedAt: time('used_at').notNull().defaultNow(),
  },
  (table) => [
    index('endpoints_failing').on(table.nextProbeAt.nullsFirst()).where(sql`${table.failingSince} is not null`),
    index('endpoints_user').on(table.userId, table.state, table.since, table.key),
    index('endpoints_used').on(table.usedAt),
    index('endpoints_troubled').on(table.state, table.since, table.key).where(sql`${table.state} <> 'up'`),
    index('endpoints_recovered').on(table.since, table.key).where(sql`${table.state} = 'up'`),
  ],
);

/** API keys by their SHA-256 hash (hex): a key itself is shown once and never stored. */
export const apiKeys = pgTable('api_keys', {
  hash: text('hash').primaryKey(),
  prefix: text('prefix').notNull().unique(),
  userId: text('user_id').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
  revokedAt: time('revoked_at'),
});

/** Signing secrets, encrypted where there are keys. */
export const signingSecrets = pgTable(
  'signing_secrets',
  {
    id: text('id').primaryKey(),
    /** The order of creation; times may tie. */
    seq: bigint('seq', { mode: 'bigint' }).notNull().generatedAlwaysAsIdentity(),
    userId: text('user_id').notNull(),
    secret: text('secret').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    /** From when on webhooks are signed with it. */
    activatesAt: time('activates_at').notNull().defaultNow(),
    revokedAt: time('revoked_at'),
  },
  (table) => [index('signing_secrets_user').on(table.userId)],
);
