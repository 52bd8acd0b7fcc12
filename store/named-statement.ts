import { createHash } from 'node:crypto';

/** A statement for PostgreSQL's extended protocol. */
export interface NamedStatement {
  /** At most 63 bytes; different for each text. */
  name: string;
  text: string;
  values: unknown[];
}

/** The name under which sessions keep a statement's text prepared. */
export const statementName = (text: string): string =>
  `postcall_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
