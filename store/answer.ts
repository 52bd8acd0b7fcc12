import { epochMs } from './sql.js';

/** A column of a statement's answer: an SQL expression, cast to what it is in TypeScript. */
export interface AnswerColumn<Value> {
  /** Default: the column of the same name. */
  sql: string | undefined;
  cast: 'text' | 'integer' | 'float8' | 'boolean';
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

/** What comes after `select` or `returning`. */
export const answerList = (columns: AnswerColumns): string =>
  Object.entries(columns)
    .map(([name, { sql = name, cast }]) => `(${sql})::${cast} as "${name}"`)
    .join(', ');

/** The column that a row has not as it was declared. Drivers can be told to read types otherwise, for the whole process. */
export const wrongColumn = (columns: AnswerColumns, row: object): string | undefined =>
  Object.keys(columns).find((name) => !columns[name]?.accepts((row as Record<string, unknown>)[name]));
