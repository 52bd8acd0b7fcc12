import type { Database } from './database.js';
import { plainStatement } from './statement.js';

const statement = plainStatement<[seq: string]>()(
  {},
  () => 'update attempts set alone = false where seq = $1 and finished_at is null',
);

/** Takes the mark of an open attempt that it is the only one in its process. */
export async function shareAttempt(database: Database, seq: string): Promise<void> {
  await database.run(statement, [seq]);
}
