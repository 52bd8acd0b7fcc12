import type { EndpointRef, RegisterInput, RegisterPart } from '../contract/index.js';
import { boolean, float, integer, milliseconds, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { requestStatement, requestTable } from './statement.js';
import { refColumns } from './webhook-requests.js';

/** One call of a part. */
export interface CallRequest extends Omit<RegisterPart, 'call_ids'> {
  call_id: string;
  /** How many calls of the batch are registered with its part. */
  upto: number;
  endpoint: EndpointRef | undefined;
}

export function callsOf({ call_ids, ...part }: RegisterPart): CallRequest[] {
  const endpoint = part.webhook_url === undefined ? undefined : endpointRef(part.user_id, part.webhook_url);
  const upto = part.offset + call_ids.length;
  return call_ids.map((call_id) => ({ ...part, call_id, upto, endpoint }));
}

export const callColumns = {
  ...refColumns,
  upto: ['integer', ({ upto }: CallRequest) => upto],
} as const;

const BATCH = {
  batch_id: text(),
  registered: integer(),
  accepted_at_ms: milliseconds('accepted_at'),
  paused_since_ms: orNull(milliseconds('paused_since')),
  paused_ms: float(),
  pruned: boolean('pruned_at is not null'),
};

/** A batch as it is known before its calls are registered. */
export type BatchRow = RowOf<typeof BATCH>;

type BatchCreation = RegisterPart & Pick<RegisterInput, 'workflow_id' | 'accepted_at'>;

/** Creates the rows of batches and endpoints that have none, and answers how all of the batches stand. */
const batchStatement = requestStatement(
  requestTable<BatchCreation>({
    batch_id: ['text', ({ batch_id }) => batch_id],
    workflow_id: ['text', ({ workflow_id }) => workflow_id],
    user_id: ['text', ({ user_id }) => user_id],
    send_type: ['text', ({ send_type }) => send_type],
    total: ['integer', ({ total }) => total],
    accepted_at: ['float8', ({ accepted_at }) => accepted_at],
    url: ['text', ({ webhook_url }) => webhook_url ?? null],
    endpoint: ['text', ({ user_id, webhook_url: url }) => (url === undefined ? null : endpointRef(user_id, url).key)],
  }),
  BATCH,
  (requests, answer) => `
    with request as materialized (select * from ${requests}),
    used as (
      insert into endpoints (key, user_id, url)
      select distinct on (endpoint) endpoint, request.user_id, request.url
      from request left join endpoints on endpoints.key = endpoint
      where endpoint is not null and (endpoints.key is null or used_at < clock_timestamp() - interval '1 day')
      order by endpoint
      on conflict (key) do update set used_at = clock_timestamp()
    ),
    created as (
      insert into batches (batch_id, workflow_id, user_id, send_type, total, accepted_at)
      select batch_id, workflow_id, user_id, send_type, total, to_timestamp(accepted_at / 1000) from request
      order by batch_id
      on conflict (batch_id) do nothing
      returning batch_id, registered, accepted_at, paused_since, paused_ms, pruned_at
    )
    select ${answer}
    from (
      select * from created
      union all
      select batch_id, batches.registered, batches.accepted_at, batches.paused_since, batches.paused_ms, batches.pruned_at
      from request join batches using (batch_id)
    ) known`,
);

/** Creates the rows of batches that have none. What was registered first stands. */
export async function batchRows(
  database: Database,
  { parts, workflow_id, accepted_at }: RegisterInput,
): Promise<Map<string, BatchRow>> {
  const batches = new Map(parts.map((part) => [part.batch_id, { ...part, workflow_id, accepted_at }]));
  for (;;) {
    const rows = await database.query(batchStatement, [...batches.values()]);
    // A row that another process created at the same moment is seen by the next statement only.
    if (rows.length === batches.size) return new Map(rows.map((row) => [row.batch_id, row]));
  }
}
