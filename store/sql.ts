import { type SQL, sql } from 'drizzle-orm';

type ColumnType = 'text' | 'bigint' | 'integer' | 'float8' | 'boolean';
type Value = string | number | boolean | null;

/** A column of a request table: its SQL type, and its value in each request. */
export type RequestColumn<Request> = readonly [type: ColumnType, value: (request: Request) => Value];

/**
 * `(select ... ) as request`: the requests as rows, from one array parameter for each column whatever their number. `place`
 * counts from 1 in the order of the requests: answers are mapped back by it, since identifiers may repeat.
 */
export function requestTable<Request>(
  requests: readonly Request[],
  columns: Record<string, RequestColumn<Request>>,
): SQL {
  const arrays = Object.values(columns).map(
    ([type, value]) => sql`${sql.param(requests.map(value))}::${sql.raw(type)}[]`,
  );
  const names = [...Object.keys(columns), 'place'].map((name) => sql.identifier(name));
  return sql`unnest(${sql.join(arrays, sql`, `)}) with ordinality as request(${sql.join(names, sql`, `)})`;
}

/** Rows in the order of their `place`; a place without a row is undefined. */
export function byPlace<Row extends { place: number }>(count: number, rows: readonly Row[]): (Row | undefined)[] {
  const places: (Row | undefined)[] = new Array(count).fill(undefined);
  for (const row of rows) places[row.place - 1] = row;
  return places;
}

/** A time as milliseconds since 1970: drivers and sessions differ in how they write times. */
export const epochMs = (time: SQL): SQL => sql`(extract(epoch from ${time}) * 1000)::float8`;

export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

/** Text as PostgreSQL can store it: it has no NUL. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD');
