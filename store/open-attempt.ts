import type { Database } from './database.js';
import { grouped } from './grouping.js';
import { type GroupedOpenRequest, openAttempts, TEXT_FIRST } from './open-attempts.js';
import { loadPayload } from './payloads.js';
import { sharedStatement } from './shared-statement.js';
import type { OpenRequest, OpenResult } from './store.js';

/** Large texts that are being read at once. */
const LARGE_TEXTS = 2;

/**
 * Opens attempts. A text that is too large to travel with others is read first and by itself, so that the time of its attempt does not
 * begin while it waits for its turn.
 */
export function openAttempt(database: Database): (request: OpenRequest) => Promise<OpenResult> {
  const open = sharedStatement<GroupedOpenRequest, OpenResult | typeof TEXT_FIRST>(
    database,
    openAttempts,
    ({ payload }) => payload?.length ?? 0,
  );
  const openLarge = grouped(([request]: readonly OpenRequest[]) => Promise.all(request ? [withText(request)] : []), {
    maxSize: 1,
    concurrency: LARGE_TEXTS,
  });

  async function withText({ payload: _, ...request }: OpenRequest): Promise<OpenResult> {
    const payload = await loadPayload(database, request);
    const result = await open(payload === null ? request : { ...request, with_text: true });
    if (result === TEXT_FIRST) return withText(request);
    return result.kind === 'opened' && payload !== null ? { ...result, payload } : result;
  }

  return async (request) => {
    const result = await open(request);
    return result === TEXT_FIRST ? openLarge(request) : result;
  };
}
