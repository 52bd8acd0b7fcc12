import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { AGAIN } from './rounds.js';
import { byPlace, requestTable, storable } from './sql.js';
import type { SettleRequest, SettleResult } from './store.js';
import {
  createdCte,
  decisionCte,
  payloadSource,
  payloadText,
  SUPERSEDED,
  settledAs,
  stateCte,
  unsettled,
} from './webhook-state.js';

type Outcome =
  | 'create'
  | 'end'
  | 'stands'
  | 'delivered'
  | 'superseded'
  | 'untouched'
  | Exclude<SettleResult['kind'], 'settled'>;

interface SettleRow {
  place: number;
  outcome: Outcome;
  written: boolean;
  status: 'delivered' | 'failed' | 'canceled';
  reason: string | null;
}

const columns = {
  call_id: ['text', (request: SettleRequest) => request.call_id],
  batch_id: ['text', (request: SettleRequest) => request.batch_id],
  user_id: ['text', (request: SettleRequest) => request.user_id],
  send_type: ['text', (request: SettleRequest) => request.send_type],
  source: ['text', payloadSource],
  payload: ['text', payloadText],
  new_id: ['text', () => `msg_${randomBytes(18).toString('base64url')}`],
  new_url: ['text', (request: SettleRequest) => request.webhook_url ?? null],
  end_status: ['text', (request: SettleRequest) => request.status],
  end_reason: ['text', (request: SettleRequest) => storable(request.reason)],
} as const;

/** Answers settle requests for distinct calls, in one statement. */
export async function settleWebhooks(
  database: Database,
  requests: readonly SettleRequest[],
): Promise<(SettleResult | typeof AGAIN)[]> {
  const rows = await database.rows<SettleRow>(sql`
    with request as materialized (select * from ${requestTable(requests, columns)}),
    ${stateCte},
    ${decisionCte({
      held: sql`case when status in ('pending', 'retrying') then 'end' else 'stands' end`,
      resent: sql`'untouched'`,
    })},
    ${createdCte({ status: sql`end_status`, reason: sql`end_reason`, settledAt: sql`clock_timestamp()` })},
    ended as (
      update webhooks ${settledAs({ status: sql`end_status`, reason: sql`end_reason` })}
      from decision
      where outcome = 'end' and webhooks.call_id = decision.call_id
        and webhooks.batch_id = decision.batch_id and ${unsettled}
      returning webhooks.call_id
    )
    select decision.place::integer, outcome, decision.status, decision.reason,
      created.call_id is not null or ended.call_id is not null as written
    from decision left join created using (call_id) left join ended using (call_id)`);

  return byPlace(requests.length, rows).map((row, index) =>
    row ? toResult(row, requests[index] as SettleRequest) : AGAIN,
  );
}

function toResult(row: SettleRow, { status, reason }: SettleRequest): SettleResult | typeof AGAIN {
  switch (row.outcome) {
    case 'create':
    case 'end':
      return row.written ? { kind: 'settled', status, reason } : AGAIN;
    case 'untouched':
      return { kind: 'settled', status, reason };
    case 'stands':
      return { kind: 'settled', status: row.status, reason: row.reason };
    case 'delivered':
      return { kind: 'settled', status: 'delivered', reason: null };
    case 'superseded':
      return { kind: 'settled', status: 'failed', reason: SUPERSEDED };
    case 'needs_payload':
    case 'call_not_found':
    case 'webhook_exists':
    case 'webhook_not_found':
    case 'webhook_in_progress':
      return { kind: row.outcome };
  }
}
