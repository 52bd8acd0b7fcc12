import { createHash } from 'node:crypto';
import { type AnswerColumns, answerList } from './answer.js';

type ColumnType = 'text' | 'bigint' | 'integer' | 'float8' | 'boolean';
type Value = string | number | boolean | null;

/** The name under which sessions keep a statement's text prepared. */
const statementName = (text: string): string =>
  `postcall_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;

/** A column of a request table: its SQL type, and its value in each request. */
export type RequestColumn<Request> = readonly [type: ColumnType, value: (request: Request) => Value];

/** Its text is made once. */
interface Statement<Columns extends AnswerColumns> {
  name: string;
  text: string;
  answer: Columns;
}

/** A statement over a table of requests. */
export interface RequestStatement<Request, Columns extends AnswerColumns = AnswerColumns> extends Statement<Columns> {
  valuesOf(requests: readonly Request[]): Value[][];
}

/** The requests as rows, from one array parameter for each column. `place` counts from 1 in their order. */
export interface RequestTable<Request> {
  /** `unnest(...) with ordinality as request(...)`. */
  table: string;
  valuesOf(requests: readonly Request[]): Value[][];
}

export function requestTable<Request>(columns: Record<string, RequestColumn<Request>>): RequestTable<Request> {
  const entries = Object.entries(columns);
  const arrays = entries.map(([, [type]], index) => `$${index + 1}::${type}[]`).join(', ');
  const names = [...entries.map(([name]) => name), 'place'].join(', ');
  return {
    table: `unnest(${arrays}) with ordinality as request(${names})`,
    valuesOf: (requests) => entries.map(([, [, value]]) => requests.map(value)),
  };
}

/** `textOf` gets the table of the requests, and the list of what is answered, for `select` or `returning`. */
export function requestStatement<Request, Columns extends AnswerColumns>(
  { table, valuesOf }: RequestTable<Request>,
  answer: Columns,
  textOf: (requests: string, answer: string) => string,
): RequestStatement<Request, Columns> {
  const text = textOf(table, answerList(answer));
  return { name: statementName(text), text, answer, valuesOf };
}

/** Rows in the order of their `place`; a place without a row is undefined. */
export function byPlace<Row extends { place: number }>(count: number, rows: readonly Row[]): (Row | undefined)[] {
  const places: (Row | undefined)[] = new Array(count).fill(undefined);
  for (const row of rows) places[row.place - 1] = row;
  return places;
}

/** A statement with parameters of its own, `$1` and so on. */
export interface PlainStatement<Parameters extends readonly unknown[], Columns extends AnswerColumns = AnswerColumns>
  extends Statement<Columns> {
  /** Never set: it carries their types. */
  readonly parameters?: Parameters;
}

/** `textOf` gets the list of what is answered, for `select` or `returning`. Its caller names the parameters' types. */
export const plainStatement =
  <Parameters extends readonly unknown[]>() =>
  <Columns extends AnswerColumns>(
    answer: Columns,
    textOf: (answer: string) => string,
  ): PlainStatement<Parameters, Columns> => {
    const text = textOf(answerList(answer));
    return { name: statementName(text), text, answer };
  };

export const PING = plainStatement<[]>()({}, () => 'select');
