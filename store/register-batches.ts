import type { CallStanding, EndpointRef, RegisteredPart, RegisterInput, RegisterPart } from '../contract/index.js';
import type { Database } from './database.js';
import { endpointRef } from './endpoint-ref.js';
import { registeredStanding, STANDINGS } from './registered-standing.js';
import { type BatchRow, batchRows, type CallRequest, callsOf } from './registration-rows.js';
import { CREATE_FROM_SOURCE, CREATE_FROM_TABLE, RESEND, type TakeStatement } from './take-calls.js';

/** What is known of one call now: of a fresh one its URL only. */
interface Registered {
  url: string | null;
  standing: CallStanding | undefined;
}

const PRUNED: Registered = { url: null, standing: { status: 'canceled', error: 'BatchPruned' } };

/** A part with its batch as it is stored, and what has been answered of it. */
interface OpenPart {
  part: RegisterPart;
  batch: BatchRow;
  answers: Registered[];
}

/** Registers parts in the order of their acceptance; the same user and call in two parts in two passes of statements. */
export async function registerBatches(
  database: Database,
  { calls, ...input }: RegisterInput & { calls: boolean },
): Promise<RegisteredPart[]> {
  const batches = await batchRows(database, input);
  const parts = input.parts.map((part) => ({ part, batch: batches.get(part.batch_id) as BatchRow, answers: [] }));
  for (const pass of withoutRepeats(parts)) await registerPass(database, pass, calls);
  return parts.map(toPart);
}

/** Cuts the parts where a user's call is repeated: two rows of a statement cannot see each other. */
function withoutRepeats(parts: readonly OpenPart[]): OpenPart[][] {
  const passes: OpenPart[][] = [];
  let seen = new Set<string>();
  for (const open of parts) {
    const keys = open.part.call_ids.map((callId) => `${open.part.user_id}\n${callId}`);
    if (passes.length === 0 || keys.some((key) => seen.has(key))) {
      passes.push([]);
      seen = new Set();
    }
    for (const key of keys) seen.add(key);
    passes.at(-1)?.push(open);
  }
  return passes;
}

type Kind = 'pruned' | 'again' | 'create' | 'resend';

function kindOf({ part, batch }: OpenPart): Kind {
  if (batch.pruned) return 'pruned';
  return part.offset < batch.registered ? 'again' : part.send_type;
}

async function registerPass(database: Database, pass: readonly OpenPart[], calls: boolean): Promise<void> {
  const groups: Record<Kind, OpenPart[]> = { pruned: [], again: [], create: [], resend: [] };
  for (const open of pass) groups[kindOf(open)].push(open);
  for (const open of groups.pruned) open.answers = open.part.call_ids.map(() => PRUNED);
  const create = calls ? CREATE_FROM_TABLE : CREATE_FROM_SOURCE;
  await answer(groups.again, (requests) => standingsOf(database, requests));
  await answer(groups.create, (requests) => take(database, create, requests));
  await answer(groups.resend, (requests) => take(database, RESEND, requests));
}

/** One statement for all of the parts. */
async function answer(
  parts: readonly OpenPart[],
  run: (requests: CallRequest[]) => Promise<Registered[]>,
): Promise<void> {
  if (parts.length === 0) return;
  const answers = await run(parts.flatMap(({ part }) => callsOf(part)));
  let from = 0;
  for (const open of parts) {
    const upto = from + open.part.call_ids.length;
    open.answers = answers.slice(from, upto);
    from = upto;
  }
}

async function standingsOf(database: Database, requests: readonly CallRequest[]): Promise<Registered[]> {
  const rows = await database.query(STANDINGS, requests);
  const answers = requests.map(() => PRUNED);
  for (const row of rows) answers[row.place - 1] = { url: row.url, standing: registeredStanding(row) };
  return answers;
}

async function take(
  database: Database,
  statement: TakeStatement,
  requests: readonly CallRequest[],
): Promise<Registered[]> {
  const rows = await database.query(statement, requests);
  if (rows.some(({ was_registered }) => was_registered)) return standingsOf(database, requests);
  const answers = requests.map(() => PRUNED);
  for (const { place, url, error } of rows) {
    answers[place - 1] = { url, standing: error === null ? undefined : { status: 'rejected', error } };
  }
  return answers;
}

function toPart({ part, batch, answers }: OpenPart): RegisteredPart {
  const places = new Map<string, number>();
  const endpoints: EndpointRef[] = [];
  const placeOf = (url: string): number => {
    const known = places.get(url);
    if (known !== undefined) return known;
    places.set(url, endpoints.length);
    return endpoints.push(endpointRef(part.user_id, url)) - 1;
  };
  const endpoint_of = answers.map(({ url, standing }) =>
    url === null || standing?.status === 'rejected' ? -1 : placeOf(url),
  );
  const [first] = endpoint_of;
  return {
    batch_id: part.batch_id,
    offset: part.offset,
    accepted_at: batch.accepted_at_ms,
    paused_ms: batch.paused_ms,
    paused_since: batch.paused_since_ms,
    endpoints,
    endpoint_of: first !== undefined && endpoint_of.every((place) => place === first) ? first : endpoint_of,
    standings: answers.flatMap(({ standing }, index) =>
      standing ? [[index, standing] as [number, CallStanding]] : [],
    ),
  };
}
