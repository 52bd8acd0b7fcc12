import { sql } from 'drizzle-orm';
import { bigint, index, integer, json, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';
import type { SendType, WebhookStatus } from '../contract/index.js';

/** Milliseconds: what the API shows is what is stored, so that cursors and comparisons are exact. */
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** Finished calls, by whoever imported them. `json`, not `jsonb`: the bytes stored are the bytes signed and sent. */
export const calls = pgTable('calls', {
  callId: text('call_id').primaryKey(),
  userId: text('user_id').notNull(),
  data: json('data').notNull(),
  importedAt: time('imported_at').notNull().defaultNow(),
});

/** One row for each call that has a webhook, whichever batch sends it now. */
export const webhooks = pgTable(
  'webhooks',
  {
    callId: text('call_id').primaryKey(),
    /** The `webhook-id` header, the same at every attempt. */
    id: text('id').notNull(),
    userId: text('user_id').notNull(),
    url: text('url').notNull(),
    payload: json('payload').notNull(),
    /** The batch that last sent it, or sends it now. */
    batchId: text('batch_id').notNull(),
    status: text('status').$type<WebhookStatus>().notNull(),
    /** Why it is failed or canceled. */
    reason: text('reason'),
    nextAttemptAt: time('next_attempt_at'),
    /** Until when Retry-After keeps it from being woken. */
    notBefore: time('not_before'),
    /** Since when it waits for its next attempt. */
    waitingSince: time('waiting_since'),
    /** How often it was woken before its time since its batch took it on. */
    wakes: integer('wakes').notNull().default(0),
    createdAt: time('created_at').notNull(),
    /** When it became delivered, failed or canceled. */
    settledAt: time('settled_at'),
  },
  (table) => [
    index('webhooks_batch').on(table.batchId, table.callId),
    // A URL of 2,048 characters may exceed the 2,704 bytes that a btree entry holds: its hash does not.
    index('webhooks_longest_waiting')
      .on(table.userId, sql`md5(${table.url})`, table.waitingSince)
      .where(sql`${table.status} = 'retrying'`),
    index('webhooks_next_due')
      .on(table.userId, sql`md5(${table.url})`, table.nextAttemptAt)
      .where(sql`${table.status} = 'retrying'`),
    index('webhooks_failed').on(table.userId, table.settledAt, table.callId).where(sql`${table.status} = 'failed'`),
  ],
);

/** Every send attempt. Open while `finished_at` is null. */
export const attempts = pgTable(
  'attempts',
  {
    seq: bigint('seq', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    callId: text('call_id').notNull(),
    batchId: text('batch_id').notNull(),
    sendType: text('send_type').$type<SendType>().notNull(),
    sentAt: time('sent_at').notNull(),
    /** After this time an open attempt counts as interrupted. */
    deadline: time('deadline').notNull(),
    finishedAt: time('finished_at'),
    responseCode: integer('response_code'),
    responseTimeMs: integer('response_time_ms'),
    error: text('error'),
  },
  (table) => [
    index('attempts_call').on(table.callId, table.seq),
    index('attempts_batch').on(table.batchId, table.callId),
    uniqueIndex('attempts_open').on(table.callId).where(sql`${table.finishedAt} is null`),
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

/** Signing secrets, in the clear: signing needs them. */
export const signingSecrets = pgTable(
  'signing_secrets',
  {
    id: text('id').primaryKey(),
    /** The order of creation; times may tie. */
    seq: bigint('seq', { mode: 'bigint' }).notNull().generatedAlwaysAsIdentity(),
    userId: text('user_id').notNull(),
    secret: text('secret').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    revokedAt: time('revoked_at'),
  },
  (table) => [index('signing_secrets_user').on(table.userId)],
);
