/** Asks at most once in so many milliseconds, however many want to know. What is asked must end by itself. */
export function cached<T>(ms: number, ask: () => Promise<T>, now = () => performance.now()): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let staleAt = Number.POSITIVE_INFINITY;
  return () => {
    if (answer && now() < staleAt) return answer;
    staleAt = Number.POSITIVE_INFINITY;
    answer = ask().finally(() => {
      staleAt = now() + ms;
    });
    return answer;
  };
}
