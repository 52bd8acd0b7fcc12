import type { Database } from '../database.js';
import type { Cipher } from './cipher.js';
import { ENCRYPTED_COLUMNS, type EncryptedColumn, walkKeys } from './columns.js';

export interface EncryptionReport {
  /** IDs (`name:fingerprint`) of the keys that this process has, newest first. */
  keys: string[];
  /** The key of new values; null: they are written in the clear. */
  newest: string | null;
  columns: ColumnReport[];
}

/** How one column's values are stored. */
export interface ColumnReport {
  column: EncryptedColumn;
  in_the_clear: number;
  /** By the key that they are encrypted with. `known`: this process has it. */
  encrypted: { key_id: string; values: number; known: boolean }[];
  /** False: there are more rows than were looked at, and the numbers are of the first ones in the order of user and ID. */
  complete: boolean;
}

export async function encryptionReport(database: Database, cipher: Cipher, limit: number): Promise<EncryptionReport> {
  const columns: ColumnReport[] = [];
  for (const column of ENCRYPTED_COLUMNS) columns.push(await columnReport(database, cipher, column, limit));
  return { keys: [...cipher.keyIds], newest: cipher.newestKeyId ?? null, columns };
}

async function columnReport(
  database: Database,
  { keyIds }: Cipher,
  column: EncryptedColumn,
  limit: number,
): Promise<ColumnReport> {
  const values = new Map<string | null, number>();
  let examined = 0;
  let complete = true;
  for await (const rows of walkKeys(database, column)) {
    if (examined >= limit) {
      complete = false;
      break;
    }
    examined += rows.length;
    for (const { has_value, key_id } of rows) if (has_value) values.set(key_id, (values.get(key_id) ?? 0) + 1);
  }
  const in_the_clear = values.get(null) ?? 0;
  values.delete(null);
  const encrypted = [...(values as Map<string, number>)].map(([key_id, count]) => ({
    key_id,
    values: count,
    known: keyIds.includes(key_id),
  }));
  return { column, in_the_clear, encrypted, complete };
}
