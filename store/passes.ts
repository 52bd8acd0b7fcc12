import { StoreUnavailableError } from './errors.js';

/** A statement's answer to a request that lost a race against another process: ask again. */
export const AGAIN = Symbol('again');
/** Its answer to a request whose row somebody else has locked: ask again by itself, a little later. */
export const LOCKED = Symbol('locked');

/** One set-based statement. It answers in the order of its requests. */
export type Statement<Request, Answer> = (
  requests: readonly Request[],
) => Promise<(Answer | Error | typeof AGAIN | typeof LOCKED)[]>;

/** Each further try starts from what the winner of the race has committed: more than a few mean that something is wrong. */
const MAX_TRIES = 10;

interface Item<Request, Answer> {
  request: Request;
  tries: number;
  answer?: Answer | Error | typeof LOCKED;
}

/**
 * Answers a group of requests with as few statements as it takes. Two requests with the same key share no statement, since neither would
 * see the other's effects. A request that lost a race is asked again.
 */
export async function inPasses<Request, Answer>(
  statement: Statement<Request, Answer>,
  key: (request: Request) => string,
  requests: readonly Request[],
): Promise<(Answer | Error | typeof LOCKED)[]> {
  const items = requests.map((request): Item<Request, Answer> => ({ request, tries: 0 }));
  let open = items;
  while (open.length > 0) {
    const pass = distinct(open, (item) => key(item.request));
    const answers = await isolated(
      statement,
      pass.map((item) => item.request),
    );
    pass.forEach((item, index) => {
      const answer = answers[index] as (typeof answers)[number];
      item.tries++;
      if (answer !== AGAIN) item.answer = answer;
      else if (item.tries === MAX_TRIES)
        item.answer = new StoreUnavailableError('the webhook kept changing: try again');
    });
    open = open.filter((item) => !('answer' in item));
  }
  return items.map((item) => item.answer as Answer | Error | typeof LOCKED);
}

/** The first item of each key. */
function distinct<T>(items: readonly T[], key: (item: T) => string): T[] {
  const byKey = new Map<string, T>();
  for (const item of items) if (!byKey.has(key(item))) byKey.set(key(item), item);
  return [...byKey.values()];
}

/**
 * One statement's answers. Halves a group that fails, unless the database is away, until the requests at fault are alone, so that one
 * does not fail the others.
 */
async function isolated<Request, Answer>(
  statement: Statement<Request, Answer>,
  requests: readonly Request[],
): Promise<(Answer | Error | typeof AGAIN | typeof LOCKED)[]> {
  try {
    return await statement(requests);
  } catch (error) {
    if (error instanceof StoreUnavailableError || requests.length === 1) return requests.map(() => error as Error);
    const middle = requests.length >> 1;
    const first = await isolated(statement, requests.slice(0, middle));
    return [...first, ...(await isolated(statement, requests.slice(middle)))];
  }
}
