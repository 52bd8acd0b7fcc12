import DataLoader from 'dataloader';

export interface GroupingOptions {
  /** Requests in one group, at most. Default 200. */
  maxSize?: number;
  /** Groups under way at the same time, at most. */
  concurrency: number;
}

/**
 * Lets concurrent requests share statements like a database's group commit: what arrives while a group is under way goes into
 * the next one, and an idle system starts in the same turn of the event loop. `run` answers in the order of its requests; an
 * Error as an answer rejects that request alone.
 */
export function grouped<Request extends object, Answer>(
  run: (requests: readonly Request[]) => Promise<(Answer | Error)[]>,
  { maxSize = 200, concurrency }: GroupingOptions,
): (request: Request) => Promise<Answer> {
  const waiting: (() => void)[] = [];
  let underWay = 0;

  const start = () => {
    while (underWay < concurrency) {
      const dispatch = waiting.shift();
      if (!dispatch) return;
      underWay++;
      dispatch();
    }
  };
  const loader = new DataLoader<Request, Answer>(
    async (requests) => {
      try {
        return await run(requests);
      } finally {
        underWay--;
        setImmediate(start);
      }
    },
    {
      cache: false,
      maxBatchSize: maxSize,
      batchScheduleFn: (dispatch) => {
        waiting.push(dispatch);
        // Not at once: whatever else this turn brings shares the statement.
        setImmediate(start);
      },
    },
  );
  return (request) => loader.load(request);
}
