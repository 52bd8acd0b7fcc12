import type { Database } from './database.js';
import { requestStatement } from './statement.js';
import type { WebhookRef } from './store.js';

/** Larger texts do not travel with those of other webhooks: a group would hold them all in memory at once. */
export const MAX_GROUPED_BYTES = 64 * 1024;

const key = {
  user_id: ['text', ({ user_id }: WebhookRef) => user_id],
  call_id: ['text', ({ call_id }: WebhookRef) => call_id],
} as const;

const readStatement = requestStatement<WebhookRef>(
  key,
  (requests) => `select payload from ${requests} join webhooks using (user_id, call_id)`,
);

/** The text of one webhook, however large. */
export async function readPayload(database: Database, ref: WebhookRef): Promise<string | null> {
  const [row] = await database.query<{ payload: string | null }, WebhookRef>(readStatement, [ref]);
  return row?.payload ?? null;
}

const fillStatement = requestStatement<WebhookRef>(
  key,
  (requests) => `
    update webhooks set payload = calls.data
    from ${requests} join calls using (user_id, call_id)
    where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id and webhooks.payload is null
    returning true as filled`,
);

/** Takes a text that was too large at the registration from the `calls` table. False when it has none. */
export async function fillFromCalls(database: Database, ref: WebhookRef): Promise<boolean> {
  const rows = await database.query(fillStatement, [ref]);
  return rows.length > 0;
}

const storeStatement = requestStatement<WebhookRef & { payload: string }>(
  { ...key, payload: ['text', ({ payload }) => payload] },
  (requests) => `
    update webhooks set payload = request.payload from ${requests}
    where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id and webhooks.payload is null`,
);

export async function storePayload(database: Database, request: WebhookRef & { payload: string }): Promise<void> {
  await database.query(storeStatement, [request]);
}
