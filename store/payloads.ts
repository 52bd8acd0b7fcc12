import { text } from './answer.js';
import type { Database } from './database.js';
import type { Cipher, ValueOwner } from './encryption/cipher.js';
import { requestStatement, requestTable } from './statement.js';
import type { WebhookRef } from './store.js';
import { keyColumns, type WebhookKey } from './webhook-requests.js';

/** Larger texts do not travel with those of other webhooks: a group would hold them all in memory at once. */
export const MAX_GROUPED_BYTES = 64 * 1024;

const loadStatement = requestStatement(
  requestTable<WebhookRef>(keyColumns),
  { payload: text() },
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    filled as (
      update webhooks set payload = calls.data from request join calls using (user_id, call_id)
      where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id and webhooks.payload is null
        and webhooks.erased_at is null
      returning payload
    )
    select ${answer} from filled
    union all
    select ${answer} from request join webhooks using (user_id, call_id) where payload is not null`,
);

/**
 * The text of one webhook, however large. Takes it from the `calls` table where the webhook has none yet; null when neither has one.
 * A text that is stored never changes.
 */
export async function loadPayload(database: Database, cipher: Cipher, ref: WebhookRef): Promise<string | null> {
  const [row] = await database.query(loadStatement, [ref]);
  return row ? cipher.open(row.payload, callOwner(ref)) : null;
}

/** Whose text a call's is, in `calls` and in `webhooks`. */
export const callOwner = ({ user_id, call_id }: WebhookKey): ValueOwner => ['call', user_id, call_id];

const storeStatement = requestStatement(
  requestTable<WebhookRef & { payload: string }>({ ...keyColumns, payload: ['text', ({ payload }) => payload] }),
  {},
  (requests) => `
    update webhooks set payload = request.payload from ${requests}
    where webhooks.user_id = request.user_id and webhooks.call_id = request.call_id and webhooks.payload is null
      and webhooks.erased_at is null`,
);

export async function storePayload(
  database: Database,
  cipher: Cipher,
  request: WebhookRef & { payload: string },
): Promise<void> {
  await database.query(storeStatement, [{ ...request, payload: cipher.seal(request.payload, callOwner(request)) }]);
}
