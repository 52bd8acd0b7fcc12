import { createHash } from 'node:crypto';

type ColumnType = 'text' | 'bigint' | 'integer' | 'float8' | 'boolean';
type Value = string | number | boolean | null;

/** The name under which sessions keep a statement's text prepared. */
const statementName = (text: string): string =>
  `postcall_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;

/** A column of a request table: its SQL type, and its value in each request. */
export type RequestColumn<Request> = readonly [type: ColumnType, value: (request: Request) => Value];

/** A statement over a table of requests, whose text is made once. */
export interface RequestStatement<Request> {
  name: string;
  text: string;
  valuesOf(requests: readonly Request[]): Value[][];
}

/**
 * `textOf` gets the table expression `unnest(...) with ordinality as request(...)`: the requests as rows, from one array parameter for
 * each column whatever their number. `place` counts from 1 in the order of the requests.
 */
export function requestStatement<Request>(
  columns: Record<string, RequestColumn<Request>>,
  textOf: (requests: string) => string,
): RequestStatement<Request> {
  const entries = Object.entries(columns);
  const arrays = entries.map(([, [type]], index) => `$${index + 1}::${type}[]`).join(', ');
  const names = [...entries.map(([name]) => name), 'place'].join(', ');
  const text = textOf(`unnest(${arrays}) with ordinality as request(${names})`);
  return {
    name: statementName(text),
    text,
    valuesOf: (requests) => entries.map(([, [, value]]) => requests.map(value)),
  };
}

/** Rows in the order of their `place`; a place without a row is undefined. */
export function byPlace<Row extends { place: number }>(count: number, rows: readonly Row[]): (Row | undefined)[] {
  const places: (Row | undefined)[] = new Array(count).fill(undefined);
  for (const row of rows) places[row.place - 1] = row;
  return places;
}

/** A statement with parameters of its own, `$1` and so on. */
export interface PlainStatement<Parameters extends readonly unknown[], Row> {
  name: string;
  text: string;
  /** Never set: they carry types. */
  readonly parameters?: Parameters;
  readonly row?: Row;
}

export const plainStatement = <Parameters extends readonly unknown[], Row extends object>(
  text: string,
): PlainStatement<Parameters, Row> => ({ name: statementName(text), text });

export const PING = plainStatement<[], object>('select');
