import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.js';
import { StoreUnavailableError } from './errors.js';
import { grouped } from './grouping.js';
import { inPasses, LOCKED, type Statement } from './passes.js';
import type { WebhookRef } from './store.js';

/** Between two tries to lock a row that somebody else has locked, growing to half a second. */
const FIRST_DELAY_MS = 10;
const LONGEST_DELAY_MS = 500;
/** A lock that lasts longer is an absence: the caller asks again. */
const LOCK_PATIENCE_MS = 10_000;

const byWebhook = ({ user_id, call_id }: WebhookRef): string => `${user_id}\n${call_id}`;

/** Lets concurrent requests share one set-based statement. `bytesOf`: what a request weighs. */
export function sharedStatement<Request extends WebhookRef, Answer>(
  database: Database,
  statement: (database: Database, requests: readonly Request[]) => ReturnType<Statement<Request, Answer>>,
  bytesOf?: (request: Request) => number,
): (request: Request) => Promise<Answer> {
  const ask = grouped<Request, Answer | typeof LOCKED>(
    (requests) => inPasses((pass) => statement(database, pass), byWebhook, requests),
    { concurrency: database.concurrency, ...(bytesOf && { bytesOf }) },
  );
  return (request) => untilFree(() => ask(request));
}

/** Asks again for a row that is locked, by itself: the others of its statement have been answered. */
async function untilFree<Answer>(ask: () => Promise<Answer | typeof LOCKED>): Promise<Answer> {
  const giveUpAt = performance.now() + LOCK_PATIENCE_MS;
  for (let pause = FIRST_DELAY_MS; ; pause = Math.min(pause * 2, LONGEST_DELAY_MS)) {
    const answer = await ask();
    if (answer !== LOCKED) return answer;
    if (performance.now() > giveUpAt) throw new StoreUnavailableError('the webhook is locked: try again');
    await delay(pause);
  }
}
