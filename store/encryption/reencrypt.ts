import type { Database } from '../database.js';
import { DamagedValueError, EncryptionKeyMissingError } from '../errors.js';
import type { Cipher } from './cipher.js';
import {
  ENCRYPTED_COLUMNS,
  type EncryptedColumn,
  ownerIn,
  type Replacement,
  replaceStatement,
  type WalkedRow,
  walkStale,
} from './columns.js';

/** Of a column so far. */
export interface ReencryptProgress {
  column: EncryptedColumn;
  /** Rows that were looked at. */
  examined: number;
  /** Values that were stored anew. */
  changed: number;
}

export interface ReencryptResult {
  columns: ReencryptProgress[];
  /** Values that stay as they are since their key is not given. */
  skipped: { key_id: string; values: number }[];
  /** Values that cannot be decrypted although their key is given; they stay as they are. */
  damaged: { column: EncryptedColumn; user_id: string; id: string }[];
}

/**
 * Stores every value as new values are stored: with the newest key, or in the clear. A value that is replaced meanwhile is left alone. What
 * was done stays done when it is cut short; the next run looks at those rows only to see that.
 */
export async function reencrypt(
  database: Database,
  cipher: Cipher,
  onProgress: (progress: ReencryptProgress) => void,
): Promise<ReencryptResult> {
  const run = new Reencryption(database, cipher);
  for (const column of ENCRYPTED_COLUMNS) await run.column(column, onProgress);
  return run.result;
}

class Reencryption {
  readonly #database: Database;
  readonly #cipher: Cipher;
  readonly #columns: ReencryptProgress[] = [];
  readonly #skipped = new Map<string, number>();
  readonly #damaged: ReencryptResult['damaged'] = [];

  constructor(database: Database, cipher: Cipher) {
    this.#database = database;
    this.#cipher = cipher;
  }

  get result(): ReencryptResult {
    const skipped = [...this.#skipped].map(([key_id, values]) => ({ key_id, values }));
    return { columns: this.#columns, skipped, damaged: this.#damaged };
  }

  async column(column: EncryptedColumn, onProgress: (progress: ReencryptProgress) => void): Promise<void> {
    const progress = { column, examined: 0, changed: 0 };
    this.#columns.push(progress);
    const statement = replaceStatement(column);
    for await (const rows of walkStale(this.#database, this.#cipher, column)) {
      const replacements = rows.flatMap((row) => this.#resealed(column, row) ?? []);
      if (replacements.length > 0) progress.changed += (await this.#database.query(statement, replacements)).length;
      progress.examined += rows.length;
      onProgress({ ...progress });
    }
  }

  #resealed(column: EncryptedColumn, row: WalkedRow): Replacement | undefined {
    if (row.value === null) return undefined;
    const owner = ownerIn(column, row);
    const { user_id, id, version } = row;
    try {
      return { user_id, id, version, sealed: this.#cipher.seal(this.#cipher.open(row.value, owner), owner) };
    } catch (error) {
      if (error instanceof EncryptionKeyMissingError) {
        this.#skipped.set(error.key_id, (this.#skipped.get(error.key_id) ?? 0) + 1);
      } else if (error instanceof DamagedValueError) this.#damaged.push({ column, user_id, id });
      else throw error;
      return undefined;
    }
  }
}
