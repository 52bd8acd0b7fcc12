import { randomBytes } from 'node:crypto';
import type {
  CallStanding,
  EndpointRef,
  FinalFailure,
  RegisteredPart,
  RegisterInput,
  RegisterPart,
  Rejection,
} from '../contract/index.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { StoreUnavailableError } from './errors.js';
import { MAX_GROUPED_BYTES } from './payloads.js';
import { epochMs } from './sql.js';
import { requestStatement } from './statement.js';

/** One call of a part. */
interface CallRequest extends Omit<RegisterPart, 'call_ids'> {
  call_id: string;
  /** How many calls of the batch are registered with its part. */
  upto: number;
  endpoint: EndpointRef | undefined;
}

interface BatchRow {
  batch_id: string;
  registered: number;
  accepted_at_ms: number;
  paused_since_ms: number | null;
  paused_ms: number;
  pruned: boolean;
}

interface RegisteredRow {
  place: number;
  error: Rejection | null;
  url: string | null;
}

/** Creates the rows of batches that have none, and answers how all of them stand. */
const batchStatement = requestStatement<RegisterPart & Pick<RegisterInput, 'workflow_id' | 'accepted_at'>>(
  {
    batch_id: ['text', ({ batch_id }) => batch_id],
    workflow_id: ['text', ({ workflow_id }) => workflow_id],
    user_id: ['text', ({ user_id }) => user_id],
    send_type: ['text', ({ send_type }) => send_type],
    total: ['integer', ({ total }) => total],
    accepted_at: ['float8', ({ accepted_at }) => accepted_at],
  },
  (requests) => `
    with request as materialized (select * from ${requests}),
    created as (
      insert into batches (batch_id, workflow_id, user_id, send_type, total, accepted_at)
      select batch_id, workflow_id, user_id, send_type, total, to_timestamp(accepted_at / 1000) from request
      order by batch_id
      on conflict (batch_id) do nothing
      returning batch_id, registered, accepted_at, paused_since, paused_ms, pruned_at
    )
    select batch_id, registered, ${epochMs('accepted_at')} as accepted_at_ms,
      ${epochMs('paused_since')} as paused_since_ms, paused_ms::float8, pruned_at is not null as pruned
    from (
      select * from created
      union all
      select batch_id, batches.registered, batches.accepted_at, batches.paused_since, batches.paused_ms, batches.pruned_at
      from request join batches using (batch_id)
    ) known`,
);

const callColumns = {
  batch_id: ['text', ({ batch_id }: CallRequest) => batch_id],
  user_id: ['text', ({ user_id }: CallRequest) => user_id],
  call_id: ['text', ({ call_id }: CallRequest) => call_id],
  upto: ['integer', ({ upto }: CallRequest) => upto],
} as const;

/** What is noted of a batch with the calls that a statement has decided on (CTE `decided`: batch_id, call_id, error, upto). */
const NOTED = `
  noted as (
    insert into rejections (batch_id, call_id, error)
    select batch_id, call_id, error from decided where error is not null
    on conflict do nothing
  ),
  advanced as (
    update batches set registered = greatest(registered, part.upto)
    from (select batch_id, max(upto) as upto from decided group by batch_id) part
    where batches.batch_id = part.batch_id
  )`;

/** `calls`: the `calls` table says which calls there are, and what is sent. */
const createStatement = (calls: boolean) =>
  requestStatement<CallRequest>(
    {
      ...callColumns,
      new_id: ['text', () => `msg_${randomBytes(18).toString('base64url')}`],
      url: ['text', ({ webhook_url }) => webhook_url ?? null],
      endpoint: ['text', ({ endpoint }) => endpoint?.key ?? null],
    },
    (requests) => `
      with request as materialized (select * from ${requests}),
      found as materialized (
        select request.*, ${calls ? 'calls.call_id is not null' : 'true'} as is_there,
          ${calls ? `case when octet_length(calls.data) <= ${MAX_GROUPED_BYTES} then calls.data end` : 'null'} as payload
        from request ${calls ? 'left join calls using (user_id, call_id)' : ''}
      ),
      created as (
        insert into webhooks (user_id, call_id, id, url, endpoint, payload, batch_id, status, created_at, accepted_at)
        select found.user_id, call_id, new_id, url, endpoint, payload, batch_id, 'pending', clock_timestamp(),
          batches.accepted_at
        from found join batches using (batch_id) where is_there order by found.user_id, call_id
        on conflict (user_id, call_id) do nothing
        returning user_id, call_id
      ),
      decided as materialized (
        select found.place, batch_id, call_id, upto, url, case
          when created.call_id is not null then null
          when is_there or exists (
            select from webhooks where webhooks.user_id = found.user_id and webhooks.call_id = found.call_id
          ) then 'WebhookExists'
          else 'CallNotFound'
        end as error
        from found left join created using (user_id, call_id)
      ),
      ${NOTED}
      select place::integer, error, url from decided`,
  );

const resendStatement = requestStatement<CallRequest>(
  { ...callColumns, only_failed: ['boolean', ({ only_failed }) => only_failed === true] },
  (requests) => `
    with request as materialized (select * from ${requests}),
    locked as materialized (
      select webhooks.* from request join webhooks using (user_id, call_id)
      order by user_id, call_id for no key update of webhooks
    ),
    decided as materialized (
      select request.place, request.batch_id, request.user_id, request.call_id, upto, locked.url, case
        when locked.id is null then 'WebhookNotFound'
        when locked.status in ('pending', 'retrying') or exists (
          select from attempts where webhook_id = locked.id and attempts.finished_at is null
            and deadline > clock_timestamp()
        ) then 'WebhookInProgress'
        when only_failed and locked.status <> 'failed' then 'WebhookNotFailed'
      end as error
      from request left join locked using (user_id, call_id)
    ),
    taken as (
      update webhooks set batch_id = decided.batch_id, status = 'pending', error = null, reason = null, step = 0,
        interruptions = 0, interruptions_alone = 0, next_attempt_at = null, not_before = null, waiting_since = null,
        wakes = 0, settled_at = null, accepted_at = batches.accepted_at
      from decided join batches using (batch_id)
      where decided.error is null and webhooks.user_id = decided.user_id and webhooks.call_id = decided.call_id
    ),
    ${NOTED}
    select place::integer, error, url from decided`,
);

interface StandingRow {
  place: number;
  standing: 'untried' | CallStanding['status'];
  error: string | null;
  due_in: number | null;
  url: string | null;
}

/** Where calls stand that were registered before. */
const standingStatement = requestStatement<CallRequest>(
  callColumns,
  (requests) => `
    select request.place::integer, webhooks.url, ${epochMs("greatest(next_attempt_at - clock_timestamp(), interval '0')")} as due_in,
      case
        when rejections.error is not null then 'rejected'
        when webhooks.id is null then 'canceled'
        when webhooks.batch_id <> request.batch_id then
          case when delivered.seq is not null then 'delivered' else 'failed' end
        when status in ('delivered', 'failed', 'canceled') then status
        when open.seq is not null then 'in_flight'
        when status = 'retrying' then 'retrying'
        else 'untried'
      end as standing,
      case
        when rejections.error is not null then rejections.error
        when webhooks.id is null then 'BatchPruned'
        when webhooks.batch_id <> request.batch_id then 'Superseded'
        else webhooks.error
      end as error
    from ${requests}
    left join rejections using (batch_id, call_id)
    left join webhooks on webhooks.user_id = request.user_id and webhooks.call_id = request.call_id
    left join lateral (
      select seq from attempts where webhook_id = webhooks.id and attempts.finished_at is null limit 1
    ) open on true
    left join lateral (
      select seq from attempts where webhook_id = webhooks.id and attempts.batch_id = request.batch_id
        and response_code between 200 and 299 limit 1
    ) delivered on webhooks.batch_id <> request.batch_id`,
);

/** Registers parts in the order of their acceptance; the same user and call in two parts in two statements. */
export async function registerBatches(
  database: Database,
  { parts, calls, ...request }: RegisterInput & { calls: boolean },
): Promise<RegisteredPart[]> {
  const batches = await database.query<BatchRow, RegisterPart & typeof request>(
    batchStatement,
    distinctBatches(parts).map((part) => ({ ...part, ...request })),
  );
  const known = new Map(batches.map((batch) => [batch.batch_id, batch]));
  const registered: RegisteredPart[] = [];
  for (const run of withoutRepeats(parts)) {
    registered.push(...(await registerRun(database, run, known, calls)));
  }
  return registered;
}

const distinctBatches = (parts: readonly RegisterPart[]): RegisterPart[] => [
  ...new Map(parts.map((part) => [part.batch_id, part])).values(),
];

/** Cuts the parts where a user's call is repeated: two rows of a statement cannot see each other. */
function withoutRepeats(parts: readonly RegisterPart[]): RegisterPart[][] {
  const runs: RegisterPart[][] = [];
  let seen = new Set<string>();
  for (const part of parts) {
    const keys = part.call_ids.map((callId) => `${part.user_id}\n${callId}`);
    if (runs.length === 0 || keys.some((key) => seen.has(key))) {
      runs.push([]);
      seen = new Set();
    }
    for (const key of keys) seen.add(key);
    runs.at(-1)?.push(part);
  }
  return runs;
}

async function registerRun(
  database: Database,
  parts: readonly RegisterPart[],
  known: ReadonlyMap<string, BatchRow>,
  calls: boolean,
): Promise<RegisteredPart[]> {
  const answers = new Map<RegisterPart, Registered[]>();
  const groups: Record<'pruned' | 'again' | 'create' | 'resend', RegisterPart[]> = {
    pruned: [],
    again: [],
    create: [],
    resend: [],
  };
  for (const part of parts) groups[kindOf(part, known.get(part.batch_id))].push(part);
  for (const part of groups.pruned)
    answers.set(
      part,
      part.call_ids.map(() => PRUNED),
    );
  const ask = async (asked: RegisterPart[], run: (requests: CallRequest[]) => Promise<Registered[]>) => {
    if (asked.length === 0) return;
    const rows = await run(asked.flatMap(callsOf));
    let from = 0;
    for (const part of asked) {
      answers.set(part, rows.slice(from, from + part.call_ids.length));
      from += part.call_ids.length;
    }
  };
  await ask(groups.again, (requests) => standingOf(database, requests));
  await ask(groups.create, (requests) => createWebhooks(database, requests, calls));
  await ask(groups.resend, (requests) => takeWebhooks(database, requests));
  return parts.map((part) => toPart(part, known.get(part.batch_id), answers.get(part) ?? []));
}

const PRUNED: Registered = { url: null, standing: { status: 'canceled', error: 'BatchPruned' } };

/** What is known of one call now: nothing is mentioned of a fresh one but its URL. */
interface Registered {
  url: string | null;
  standing: CallStanding | undefined;
}

function kindOf(part: RegisterPart, batch: BatchRow | undefined): 'pruned' | 'again' | 'create' | 'resend' {
  if (!batch) throw new StoreUnavailableError('the batch was being registered elsewhere: try again');
  if (batch.pruned) return 'pruned';
  return part.offset < batch.registered ? 'again' : part.send_type;
}

function callsOf({ call_ids, ...part }: RegisterPart): CallRequest[] {
  const endpoint = part.webhook_url === undefined ? undefined : endpointRef(part.user_id, part.webhook_url);
  const upto = part.offset + call_ids.length;
  return call_ids.map((call_id) => ({ ...part, call_id, upto, endpoint }));
}

const STATEMENTS = { calls: createStatement(true), source: createStatement(false) };

async function createWebhooks(database: Database, requests: CallRequest[], calls: boolean): Promise<Registered[]> {
  const rows = await database.query<RegisteredRow, CallRequest>(STATEMENTS[calls ? 'calls' : 'source'], requests);
  return inOrder(requests, rows, toRegistered);
}

async function takeWebhooks(database: Database, requests: CallRequest[]): Promise<Registered[]> {
  const rows = await database.query<RegisteredRow, CallRequest>(resendStatement, requests);
  return inOrder(requests, rows, toRegistered);
}

async function standingOf(database: Database, requests: CallRequest[]): Promise<Registered[]> {
  const rows = await database.query<StandingRow, CallRequest>(standingStatement, requests);
  return inOrder(requests, rows, (row) => ({ url: row.url, standing: toStanding(row) }));
}

const toRegistered = ({ url, error }: RegisteredRow): Registered => ({
  url,
  standing: error === null ? undefined : { status: 'rejected', error },
});

function toStanding({ standing, error, due_in }: StandingRow): CallStanding | undefined {
  switch (standing) {
    case 'untried':
      return undefined;
    case 'delivered':
    case 'in_flight':
      return { status: standing };
    case 'retrying':
      return { status: standing, due_in: Math.ceil(due_in ?? 0) };
    case 'rejected':
      return { status: standing, error: error as Rejection };
    case 'failed':
    case 'canceled':
      return { status: standing, error: (error ?? 'ScheduleUsedUp') as FinalFailure };
  }
}

function inOrder<Row extends { place: number }>(
  requests: readonly CallRequest[],
  rows: readonly Row[],
  toAnswer: (row: Row) => Registered,
): Registered[] {
  const answers: Registered[] = new Array(requests.length).fill(PRUNED);
  for (const row of rows) answers[row.place - 1] = toAnswer(row);
  return answers;
}

function toPart(part: RegisterPart, batch: BatchRow | undefined, answers: readonly Registered[]): RegisteredPart {
  const places = new Map<string, number>();
  const endpoints: EndpointRef[] = [];
  const endpoint_of = answers.map(({ url, standing }) => {
    if (url === null || standing?.status === 'rejected') return -1;
    const place = places.get(url) ?? endpoints.length;
    if (!places.has(url)) {
      places.set(url, place);
      endpoints.push(endpointRef(part.user_id, url));
    }
    return place;
  });
  const [first] = endpoint_of;
  return {
    batch_id: part.batch_id,
    offset: part.offset,
    accepted_at: batch?.accepted_at_ms ?? 0,
    paused_ms: batch?.paused_ms ?? 0,
    paused_since: batch?.paused_since_ms ?? null,
    endpoints,
    endpoint_of: first !== undefined && endpoint_of.every((place) => place === first) ? first : endpoint_of,
    standings: answers.flatMap(({ standing }, index) =>
      standing ? [[index, standing] as [number, CallStanding]] : [],
    ),
  };
}
