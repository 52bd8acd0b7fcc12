import { type Cipher, ENVELOPE_PREFIX, MAX_HEADER_LENGTH } from './cipher.js';

/** What statements ask of encrypted columns. Each looks at the first bytes of a value only, however large it is. */

const isSealed = (column: string): string => `left(${column}, ${ENVELOPE_PREFIX.length}) = '${ENVELOPE_PREFIX}'`;

const keyIn = (column: string): string => {
  const header = `left(${column}, ${MAX_HEADER_LENGTH})`;
  return `split_part(${header}, ':', 2) || ':' || split_part(${header}, ':', 3)`;
};

/** The key ID of a column's value; null where it is in the clear. */
export const keyIdOf = (column: string): string => `case when ${isSealed(column)} then ${keyIn(column)} end`;

/** The key ID of a value that the cipher cannot decrypt; null where it can, or needs not. */
export function missingKeyOf(column: string, { keyIds }: Pick<Cipher, 'keyIds'>): string {
  // The names of keys are checked to hold no quotes.
  const known = keyIds.map((id) => `'${id}'`).join(', ');
  const isUnknown = known === '' ? 'true' : `${keyIn(column)} not in (${known})`;
  return `case when ${isSealed(column)} and ${isUnknown} then ${keyIn(column)} end`;
}

/** Whether a value is not stored as the cipher stores new ones. */
export const isStale = (column: string, { newestKeyId }: Pick<Cipher, 'newestKeyId'>): string =>
  newestKeyId === undefined ? isSealed(column) : `${keyIdOf(column)} is distinct from '${newestKeyId}'`;
