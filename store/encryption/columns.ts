import { boolean, orNull, type RowOf, text } from '../answer.js';
import type { Database } from '../database.js';
import { plainStatement, requestStatement, requestTable } from '../statement.js';
import type { Cipher, ValueOwner } from './cipher.js';
import { isStale, keyIdOf } from './sql.js';

/** What is encrypted. Copies go from `calls` to `webhooks`: in this order none is overlooked. */
export const ENCRYPTED_COLUMNS = ['signing_secrets.secret', 'calls.data', 'webhooks.payload'] as const;
export type EncryptedColumn = (typeof ENCRYPTED_COLUMNS)[number];

interface Place {
  table: string;
  column: string;
  /** With `user_id` the order in which rows are walked. */
  id: string;
  kind: ValueOwner[0];
  /** Tells whether a row's value is still the one that was read. */
  version: string;
}

const PLACES: Record<EncryptedColumn, Place> = {
  'signing_secrets.secret': { table: 'signing_secrets', column: 'secret', id: 'id', kind: 'secret', version: 'id' },
  // A call may be imported anew at any time, also twice within a millisecond.
  'calls.data': { table: 'calls', column: 'data', id: 'call_id', kind: 'call', version: 'xmin' },
  // A webhook's text never changes, but it may be erased, and its row removed and made anew.
  'webhooks.payload': { table: 'webhooks', column: 'payload', id: 'call_id', kind: 'call', version: 'id' },
};

export const ownerIn = (column: EncryptedColumn, { user_id, id }: WalkedRow): ValueOwner => [
  PLACES[column].kind,
  user_id,
  id,
];

const WALKED = {
  user_id: text(),
  id: text(),
  version: text(),
  /** False for a webhook whose call has not been read yet. */
  has_value: boolean(),
  /** Null where the value is in the clear. */
  key_id: orNull(text()),
  /** Only of a walk that asks for stale values, and only where it is one. */
  value: orNull(text()),
};

export type WalkedRow = RowOf<typeof WALKED>;

/** Rows that a statement looks at, and bytes of values that it reads at most, a last one not counted. */
const ROWS_AT_ONCE = 1_000;
const MAX_BYTES = 4_000_000;

type WalkStatement = ReturnType<typeof walkStatement>;

function walkStatement(place: Place, stale: string) {
  const { table, column, id, version } = place;
  return plainStatement<[userId: string, id: string]>()(
    WALKED,
    (answer) => `
    with examined as (
      select user_id, ${id} as id, ${version}::text as version, ${column} is not null as has_value,
        ${keyIdOf(column)} as key_id, case when ${stale} then ${column} end as value
      from ${table} where (user_id, ${id}) > ($1, $2) order by user_id, ${id} limit ${ROWS_AT_ONCE}
    ),
    measured as (
      select *, coalesce(
        sum(octet_length(value)) over (order by user_id, id rows between unbounded preceding and 1 preceding), 0
      ) as before
      from examined
    )
    select ${answer} from measured where before < ${MAX_BYTES} order by user_id, id`,
  );
}

/** Walks a column a few rows at a time, in the order of their keys: no statement takes long, also in a large table. */
async function* walk(database: Database, statement: WalkStatement): AsyncGenerator<WalkedRow[], void, void> {
  let last: Pick<WalkedRow, 'user_id' | 'id'> | undefined = { user_id: '', id: '' };
  while (last) {
    const rows: WalkedRow[] = await database.run(statement, [last.user_id, last.id]);
    if (rows.length > 0) yield rows;
    last = rows.at(-1);
  }
}

/** All rows of a column, without their values. */
export const walkKeys = (database: Database, column: EncryptedColumn) =>
  walk(database, walkStatement(PLACES[column], 'false'));

/** All rows of a column, with the values that are not stored as the cipher stores new ones. */
export const walkStale = (database: Database, cipher: Cipher, column: EncryptedColumn) => {
  const place = PLACES[column];
  return walk(database, walkStatement(place, isStale(place.column, cipher)));
};

export interface Replacement extends Pick<WalkedRow, 'user_id' | 'id' | 'version'> {
  sealed: string;
}

/** Replaces values whose rows are as they were read, and answers with a row for each. */
export function replaceStatement(column: EncryptedColumn) {
  const { table, column: name, id, version } = PLACES[column];
  return requestStatement(
    requestTable<Replacement>({
      user_id: ['text', ({ user_id }) => user_id],
      id: ['text', (row) => row.id],
      version: ['text', (row) => row.version],
      sealed: ['text', ({ sealed }) => sealed],
    }),
    { user_id: text(`${table}.user_id`) },
    (requests, answer) => `
      with request as materialized (select * from ${requests}),
      locked as materialized (
        select ${table}.user_id, ${table}.${id}, sealed
        from request join ${table} on ${table}.user_id = request.user_id and ${table}.${id} = request.id
          and ${table}.${version}::text = request.version and ${table}.${name} is not null
        order by ${table}.user_id, ${table}.${id} for no key update of ${table}
      )
      update ${table} set ${name} = locked.sealed from locked
      where ${table}.user_id = locked.user_id and ${table}.${id} = locked.${id}
      returning ${answer}`,
  );
}
