export interface GroupingOptions<Request> {
  /** Requests in one group, at most. Default 200. */
  maxSize?: number;
  /** What a request weighs, in bytes; a group holds at most 1 MB, or one request. */
  bytesOf?: (request: Request) => number;
  /** Groups under way at the same time, at most. */
  concurrency: number;
}

const MAX_GROUP_BYTES = 1_000_000;
/** Longest that a request waits for others, turn by turn: patience with its attempt is short. */
const MAX_GATHER_MS = 10;
/** So many need not wait for more. */
const ENOUGH = 50;

interface Waiting<Request, Answer> {
  request: Request;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Lets concurrent requests share statements like a database's group commit: what arrives while a group is under way goes into
 * the next one, and so does what comes turn by turn of the event loop: a worker is given its activities one at a time. The first turn
 * that brings nothing more starts the group. `run` answers in the order of its requests; an
 * Error as an answer rejects that request alone.
 */
export function grouped<Request, Answer>(
  run: (requests: readonly Request[]) => Promise<(Answer | Error)[]>,
  { maxSize = 200, bytesOf = () => 0, concurrency }: GroupingOptions<Request>,
): (request: Request) => Promise<Answer> {
  let queue: Waiting<Request, Answer>[] = [];
  let underWay = 0;
  let gathering = false;

  const take = (): Waiting<Request, Answer>[] => {
    let size = 0;
    for (let bytes = 0; size < Math.min(maxSize, queue.length); size += 1) {
      bytes += bytesOf((queue[size] as Waiting<Request, Answer>).request);
      if (bytes > MAX_GROUP_BYTES && size > 0) break;
    }
    const group = queue.slice(0, size);
    queue = queue.slice(size);
    return group;
  };
  const serve = async (group: readonly Waiting<Request, Answer>[]) => {
    try {
      const answers = await run(group.map(({ request }) => request));
      group.forEach(({ resolve, reject }, index) => {
        const answer = answers[index] as Answer | Error;
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      underWay -= 1;
      gather();
    }
  };
  const start = () => {
    gathering = false;
    while (underWay < concurrency && queue.length > 0) {
      underWay += 1;
      void serve(take());
    }
  };
  const gather = () => {
    if (gathering || queue.length === 0 || underWay === concurrency) return;
    gathering = true;
    const from = performance.now();
    let before = 0;
    const turn = () => {
      const isLate = performance.now() - from >= MAX_GATHER_MS;
      if (queue.length === before || queue.length >= ENOUGH || isLate) return start();
      before = queue.length;
      setImmediate(turn);
    };
    setImmediate(turn);
  };
  return (request) =>
    new Promise((resolve, reject) => {
      queue.push({ request, resolve, reject });
      gather();
    });
}
