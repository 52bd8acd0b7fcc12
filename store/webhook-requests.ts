import { isThere } from './sql.js';
import type { WebhookRef } from './store.js';

/** What statements about single webhooks have in common. */

export type WebhookKey = Pick<WebhookRef, 'user_id' | 'call_id'>;

export const keyColumns = {
  user_id: ['text', ({ user_id }: WebhookKey) => user_id],
  call_id: ['text', ({ call_id }: WebhookKey) => call_id],
} as const;

export const refColumns = {
  batch_id: ['text', ({ batch_id }: WebhookRef) => batch_id],
  ...keyColumns,
} as const;

/** The webhooks of CTE `request`, locked in an order that is the same everywhere. */
const LOCK = `select webhooks.* from request join webhooks using (user_id, call_id)
      order by user_id, call_id for no key update of webhooks`;

/** CTE `locked`: waits for rows that somebody else has locked. */
export const LOCKED_ROWS = `locked as materialized (
      ${LOCK}
    )`;

/** CTE `locked`: without rows that somebody else has locked; {@link IS_LOCKED} tells them from those that are not there. */
export const UNLOCKED_ROWS = `locked as materialized (
      ${LOCK} skip locked
    )`;

export const IS_LOCKED = `locked.id is null and ${isThere(
  'webhooks where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id',
)}`;
