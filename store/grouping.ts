export interface GroupingOptions<Request> {
  /** Requests in one group, at most. Default 200. */
  maxSize?: number;
  /** What a request weighs, in bytes; a group holds at most 1 MB, or one request. */
  bytesOf?: (request: Request) => number;
  /** Groups under way at the same time, at most. */
  concurrency: number;
}

const MAX_GROUP_BYTES = 1_000_000;

interface Waiting<Request, Answer> {
  request: Request;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Lets concurrent requests share statements like a database's group commit: what arrives while a group is under way goes into
 * the next one, and an idle system starts in the same turn of the event loop. `run` answers in the order of its requests; an
 * Error as an answer rejects that request alone.
 */
export function grouped<Request, Answer>(
  run: (requests: readonly Request[]) => Promise<(Answer | Error)[]>,
  { maxSize = 200, bytesOf = () => 0, concurrency }: GroupingOptions<Request>,
): (request: Request) => Promise<Answer> {
  let queue: Waiting<Request, Answer>[] = [];
  let underWay = 0;
  let starting = false;

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
      start();
    }
  };
  const start = () => {
    starting = false;
    while (underWay < concurrency && queue.length > 0) {
      underWay += 1;
      void serve(take());
    }
  };
  return (request) =>
    new Promise((resolve, reject) => {
      queue.push({ request, resolve, reject });
      // Not at once: whatever else this turn brings shares the statement.
      if (starting) return;
      starting = true;
      setImmediate(start);
    });
}
