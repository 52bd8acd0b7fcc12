import type { FinalFailure, WebhookStatus } from '../contract/index.js';
import { boolean, integer, milliseconds, orEmpty, orNull, type RowOf, text } from './answer.js';
import type { Database } from './database.js';
import type { Cipher } from './encryption/cipher.js';
import { missingKeyOf } from './encryption/sql.js';
import type { Interruptions } from './interrupt-attempts.js';
import { AGAIN, LOCKED } from './passes.js';
import { MAX_GROUPED_BYTES } from './payloads.js';
import { isoTime, isThere } from './sql.js';
import { standingOf, standingTaken, wasDelivered } from './standing.js';
import { byPlace, requestStatement, requestTable } from './statement.js';
import type { OpenedAttempt, OpenRequest, OpenResult } from './store.js';
import { IS_LOCKED, refColumns, UNLOCKED_ROWS } from './webhook-requests.js';

/** How long past its timeout an attempt may be closed before it counts as interrupted. */
const GRACE_MS = 2_000;
/** The workflow's clock stands still within a task, and its timers are coarse: an attempt may be this much before its time. */
const EARLY_MS = 500;

type Finding =
  | 'missing'
  | 'locked'
  | 'other'
  | 'settled'
  | 'expired'
  | 'open'
  | 'early'
  | 'suspect'
  | 'keyless'
  | 'large'
  | 'unfilled'
  | 'unread'
  | 'opens';

/** Of CTE `decision`, joined with `opened`. */
const ANSWER = {
  place: integer('decision.place'),
  finding: text<Finding>(),
  seq: orNull(text('opened.seq')),
  sent_at_ms: orEmpty(milliseconds('opened.sent_at')),
  webhook_id: orEmpty(text('decision.webhook_id')),
  url: orEmpty(text()),
  /** As it is stored; null where the caller has it. */
  payload: orNull(text('case when opened.seq is not null and not with_text then payload end')),
  step: orEmpty(integer()),
  /** JSON of pairs of ID and secret as it is stored. */
  secrets: orNull(text()),
  /** Of the payload or of a secret. */
  missing_key: orNull(text()),
  status: text<WebhookStatus>("coalesce(status, 'pending')"),
  error: orNull(text<FinalFailure>()),
  was_delivered: boolean(`finding = 'other' and ${wasDelivered('decision.webhook_id', 'decision.batch_id')}`),
  open_seq: orEmpty(text()),
  remaining_ms: orEmpty(milliseconds('open_deadline - clock_timestamp()')),
  due_in: orEmpty(
    milliseconds('greatest(not_before, case when not ordered then next_attempt_at end) - clock_timestamp()'),
  ),
  accepted_at_ms: orEmpty(milliseconds('accepted_at')),
  interruptions: orEmpty(integer()),
  interruptions_alone: orEmpty(integer()),
};

type OpenRow = RowOf<typeof ANSWER>;

/** Its text is not there, or too large to travel with others: it is to be loaded by itself, and then opened `with_text`. */
export const TEXT_FIRST = Symbol('text first');

export interface GroupedOpenRequest extends OpenRequest {
  /** The caller has the text that is stored. */
  with_text?: true;
  /** `payload` as it is to be stored. */
  sealed?: string;
}

/** An attempt that was opened, with its values as they are stored. */
export interface SealedAttempt extends Omit<OpenedAttempt, 'kind' | 'payload' | 'secrets'> {
  kind: 'sealed';
  /** Null where the caller has the text. */
  payload: string | null;
  secrets: [id: string, secret: string][];
}

const statementFor = (cipher: Cipher) =>
  requestStatement(
    requestTable<GroupedOpenRequest>({
      ...refColumns,
      send_type: ['text', ({ send_type }) => send_type],
      timeout_ms: ['float8', ({ timeout_ms }) => timeout_ms + GRACE_MS],
      ordered: ['boolean', ({ ordered }) => ordered],
      given: ['text', ({ sealed }) => sealed ?? null],
      isolation: ['text', ({ isolation }) => isolation ?? null],
      with_text: ['boolean', ({ with_text }) => with_text === true],
    }),
    ANSWER,
    (requests, answer) => `
    with request as materialized (select * from ${requests}),
    ${UNLOCKED_ROWS},
    secrets as materialized (
      select user_id, json_agg(json_build_array(id, secret) order by activates_at desc, seq desc)::text as secrets,
        min(${missingKeyOf('secret', cipher)}) as missing_key
      from signing_secrets
      where revoked_at is null and activates_at <= clock_timestamp() and user_id in (select user_id from request)
      group by user_id
    ),
    state as materialized (
      select request.*, locked.id as webhook_id, locked.url, locked.payload, locked.batch_id as holder, locked.status,
        locked.error, locked.step, locked.interruptions, locked.interruptions_alone, locked.accepted_at,
        locked.next_attempt_at, locked.not_before, open.seq as open_seq, open.deadline as open_deadline,
        ${IS_LOCKED} as is_locked, secrets.secrets,
        coalesce(secrets.missing_key, ${missingKeyOf('locked.payload', cipher)}) as missing_key
      from request
      left join locked using (user_id, call_id)
      left join secrets using (user_id)
      left join lateral (
        select seq, deadline from attempts where webhook_id = locked.id and finished_at is null limit 1
      ) open on true
    ),
    decision as materialized (
      select *, case
        when is_locked then 'locked'
        when webhook_id is null then 'missing'
        when holder <> batch_id then 'other'
        when status not in ('pending', 'retrying') then 'settled'
        when open_deadline <= clock_timestamp() then 'expired'
        when open_seq is not null then 'open'
        when not_before > clock_timestamp() then 'early'
        when not ordered and next_attempt_at > clock_timestamp() + interval '${EARLY_MS} milliseconds' then 'early'
        when interruptions > 0 and isolation is null then 'suspect'
        when missing_key is not null then 'keyless'
        when octet_length(payload) > ${MAX_GROUPED_BYTES} and not with_text then 'large'
        when payload is null and given is null then case
          when ${isThere('calls where calls.user_id = state.user_id and calls.call_id = state.call_id')} then 'unfilled'
          else 'unread'
        end
        else 'opens'
      end as finding
      from state
    ),
    filled as (
      update webhooks set payload = given from decision
      where finding = 'opens' and decision.payload is null
        and webhooks.user_id = decision.user_id and webhooks.call_id = decision.call_id
    ),
    opened as (
      insert into attempts (webhook_id, batch_id, send_type, sent_at, deadline, alone)
      select webhook_id, batch_id, send_type, now, now + timeout_ms * interval '1 millisecond', isolation is not distinct from 'alone'
      from (select *, clock_timestamp() as now from decision where finding = 'opens' order by place) allowed
      on conflict do nothing
      returning seq, webhook_id, sent_at
    )
    select ${answer}
    from decision left join opened using (webhook_id)`,
  );

export type OpenAnswer = Exclude<OpenResult, OpenedAttempt> | SealedAttempt | typeof TEXT_FIRST;
type Answer = OpenAnswer | Error | typeof AGAIN | typeof LOCKED;

/**
 * Answers open requests for distinct webhooks, in one statement. No attempt is opened of a webhook whose text or secrets the cipher has
 * no key for: an `EncryptionKeyMissingError` is the answer.
 */
export function openAttempts(cipher: Cipher, interruptions: Interruptions) {
  const statement = statementFor(cipher);
  return async (database: Database, requests: readonly GroupedOpenRequest[]): Promise<Answer[]> => {
    const rows = await database.query(statement, requests);
    const expired = rows.flatMap(({ finding, open_seq }) => (finding === 'expired' ? [open_seq] : []));
    const interrupted = await interruptions.interrupt(expired);
    return byPlace(requests.length, rows).map((row) => {
      if (row?.finding === 'expired' && !interrupted.has(row.open_seq)) return LOCKED;
      return row ? toAnswer(row, cipher) : AGAIN;
    });
  };
}

function toAnswer(row: OpenRow, cipher: Cipher): Answer {
  switch (row.finding) {
    case 'opens':
      return row.seq === null ? AGAIN : sealedAttempt(row, row.seq);
    case 'expired':
      return AGAIN;
    case 'locked':
      return LOCKED;
    case 'missing':
      return { kind: 'standing', standing: { status: 'rejected', error: 'CallNotFound' } };
    case 'other':
      return { kind: 'standing', standing: standingTaken(row.was_delivered) };
    case 'settled':
      return { kind: 'standing', standing: standingOf(row.status, row.error, null) };
    case 'open':
      return { kind: 'open_elsewhere', remaining_ms: Math.max(0, Math.ceil(row.remaining_ms)) };
    case 'early':
      return { kind: 'too_early', due_in: Math.max(1, Math.ceil(row.due_in)) };
    case 'suspect':
      return { kind: 'suspect', in_a_row: row.interruptions, alone: row.interruptions_alone };
    case 'keyless':
      return cipher.missing(row.missing_key ?? '');
    case 'large':
    case 'unfilled':
      return TEXT_FIRST;
    case 'unread':
      return { kind: 'needs_payload', accepted_at: isoTime(row.accepted_at_ms) };
  }
}

const sealedAttempt = (row: OpenRow, seq: string): SealedAttempt => ({
  kind: 'sealed',
  seq,
  webhook_id: row.webhook_id,
  url: row.url,
  payload: row.payload,
  sent_at: isoTime(row.sent_at_ms),
  accepted_at: isoTime(row.accepted_at_ms),
  step: row.step,
  secrets: JSON.parse(row.secrets ?? '[]') as [string, string][],
});
