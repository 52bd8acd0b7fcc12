import { createHash } from 'node:crypto';

/** A statement for PostgreSQL's extended protocol. */
export interface NamedStatement {
  /** At most 63 bytes; different for each text. */
  name: string;
  text: string;
  values: unknown[];
}

const names = new Map<string, string>();

/** The name under which sessions keep a statement's text prepared. */
export function statementName(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `postcall_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  names.set(text, name);
  return name;
}
