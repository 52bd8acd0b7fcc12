import { type FinalFailure, INTERRUPTED, isEndpointFailure, type WebhookStatus } from '../contract/index.js';
import { boolean, integer, milliseconds, orEmpty, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import type { Interruptions } from './interrupt-attempts.js';
import { AGAIN, LOCKED } from './passes.js';
import { standingOf, standingTaken, wasDelivered } from './standing.js';
import { byPlace, requestStatement, requestTable } from './statement.js';
import type { WatchedStanding, WebhookRef } from './store.js';
import { refColumns } from './webhook-requests.js';

const ANSWER = {
  place: integer('request.place'),
  status: orNull(text<WebhookStatus>()),
  failure: orNull(text<FinalFailure>('webhooks.error')),
  is_other: orEmpty(boolean('webhooks.batch_id <> request.batch_id')),
  was_delivered: orEmpty(
    boolean(`webhooks.batch_id <> request.batch_id and ${wasDelivered('webhooks.id', 'request.batch_id')}`),
  ),
  due_in: orNull(milliseconds('next_attempt_at - clock_timestamp()')),
  seq: orNull(text('last.seq')),
  is_open: boolean('last.finished_at is null'),
  remaining_ms: orNull(milliseconds('last.deadline - clock_timestamp()')),
  response_code: orNull(integer('last.response_code')),
  error: orNull(text('last.error')),
};

type WatchedRow = RowOf<typeof ANSWER>;

const statement = requestStatement(
  requestTable<WebhookRef>(refColumns),
  ANSWER,
  (requests, answer) => `
    select ${answer}
    from ${requests}
    left join webhooks using (user_id, call_id)
    left join lateral (
      select * from attempts where attempts.webhook_id = webhooks.id and attempts.batch_id = request.batch_id
      order by seq desc limit 1
    ) last on true`,
);

/** How the last attempts of webhooks stand, in one statement. Those past their deadline are closed first. */
export async function readStandings(
  database: Database,
  interruptions: Interruptions,
  requests: readonly WebhookRef[],
): Promise<(WatchedStanding | typeof AGAIN | typeof LOCKED)[]> {
  const rows = await database.query(statement, requests);
  const expired = rows.flatMap((row) => (isExpired(row) && row.seq !== null ? [row.seq] : []));
  const interrupted = await interruptions.interrupt(expired);
  return byPlace(requests.length, rows).map((row) => {
    if (!row) return { kind: 'unknown' };
    if (isExpired(row)) return interrupted.has(row.seq ?? '') ? AGAIN : LOCKED;
    return toWatched(row);
  });
}

const isExpired = ({ is_other, seq, is_open, remaining_ms }: WatchedRow): boolean =>
  !is_other && seq !== null && is_open && (remaining_ms ?? 0) <= 0;

function toWatched(row: WatchedRow): WatchedStanding {
  const { status, failure, is_other, due_in, seq, is_open, remaining_ms, response_code, error } = row;
  if (status === null) return { kind: 'unknown' };
  if (is_other) return { kind: 'standing', standing: standingTaken(row.was_delivered), endpoint_failed: false };
  if (seq !== null && is_open) return { kind: 'open', remaining_ms: Math.ceil(remaining_ms ?? 0) };
  const isSettled = status !== 'pending' && status !== 'retrying';
  if (!isSettled && seq === null) return { kind: 'unknown' };
  if (!isSettled && error === INTERRUPTED) return { kind: 'interrupted' };
  return {
    kind: 'standing',
    standing: standingOf(status, failure, due_in),
    endpoint_failed: response_code === null || isEndpointFailure(response_code),
  };
}
