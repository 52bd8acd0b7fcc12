import { epochMs } from './sql.js';

/** What each type has for nothing. */
const EMPTY = { text: "''", integer: '0', float8: '0', boolean: 'false' } as const;

/** A column of a statement's answer: an SQL expression, cast to what it is in TypeScript. */
export interface AnswerColumn<Value> {
  /** Default: the column of the same name. */
  sql: string | undefined;
  cast: keyof typeof EMPTY;
  /** Answered in place of null. */
  empty?: string;
  accepts(value: unknown): boolean;
  /** Never set: it carries the type. */
  readonly value?: Value;
}

export type AnswerColumns = Record<string, AnswerColumn<unknown>>;

/** A row as a statement answers it. */
export type RowOf<Columns extends AnswerColumns> = {
  -readonly [Name in keyof Columns]: Columns[Name] extends AnswerColumn<infer Value> ? Value : never;
};

const isString = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** Text, or what is written as text: a bigint, JSON. */
export const text = <Value extends string = string>(sql?: string): AnswerColumn<Value> => ({
  sql,
  cast: 'text',
  accepts: isString,
});

export const integer = (sql?: string): AnswerColumn<number> => ({ sql, cast: 'integer', accepts: isNumber });

export const float = (sql?: string): AnswerColumn<number> => ({ sql, cast: 'float8', accepts: isNumber });

export const boolean = (sql?: string): AnswerColumn<boolean> => ({ sql, cast: 'boolean', accepts: isBoolean });

/** A time, or an interval, in milliseconds. */
export const milliseconds = (time: string): AnswerColumn<number> => float(epochMs(time));

export const orNull = <Value>(column: AnswerColumn<Value>): AnswerColumn<Value | null> => ({
  ...column,
  accepts: (value) => value === null || column.accepts(value),
});

/** '', 0 or false where it would be null: of rows that have no use for it. */
export const orEmpty = <Value>(column: AnswerColumn<Value>): AnswerColumn<Value> => ({
  ...column,
  empty: EMPTY[column.cast],
});

/** What comes after `select` or `returning`. */
export const answerList = (columns: AnswerColumns): string =>
  Object.entries(columns)
    .map(([name, column]) => `${expressionOf(name, column)} as "${name}"`)
    .join(', ');

function expressionOf(name: string, { sql = name, cast, empty }: AnswerColumn<unknown>): string {
  const value = `(${sql})::${cast}`;
  return empty === undefined ? value : `coalesce(${value}, ${empty})`;
}

/** The column that a row has not as it was declared. Drivers can be told to read types otherwise, for the whole process. */
export const wrongColumn = (columns: AnswerColumns, row: object): string | undefined =>
  Object.keys(columns).find((name) => !columns[name]?.accepts((row as Record<string, unknown>)[name]));
