import type { PGlite } from '@electric-sql/pglite';
import { StoreUnavailableError } from '../errors.js';

/** The status by which PGlite tells an ordinary SQL error, which the server recovers from, from its end. */
const SQL_ERROR = 100;

/** What PGlite calls while it runs a statement. */
const ENTRY_POINTS = [
  '_PostgresMainLoopOnce',
  '_PostgresMainLongJmp',
  '_PostgresSendReadyForQueryIfNecessary',
  '_pgl_pq_flush',
  'stackRestore',
] as const;

/**
 * Makes the end of the server inside PGlite (a PANIC: a full disk, for example) an error of the statement under way and of all later ones.
 * Otherwise PGlite calls the dead server in a loop that never yields, and the whole process stands still. Returns whether there has been a
 * crash.
 */
export function guardAgainstCrash(client: PGlite, lastWords: () => string): () => boolean {
  const module = client.Module as unknown as Record<string, (...args: unknown[]) => unknown>;
  let crash: StoreUnavailableError | undefined;
  for (const name of ENTRY_POINTS) {
    const call = module[name];
    if (!call) throw new Error(`this version of PGlite has no ${name}`);
    module[name] = (...args) => {
      if (crash) throw crash;
      try {
        return call(...args);
      } catch (error) {
        if ((error as { status?: unknown }).status === SQL_ERROR) throw error;
        crash = new StoreUnavailableError(`the embedded database has crashed: ${lastWords()}`, { cause: error });
        throw crash;
      }
    };
  }
  return () => crash !== undefined;
}
