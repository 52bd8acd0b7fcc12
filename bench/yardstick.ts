import { Agent } from 'undici';

const REQUESTS = 5_000;
const CONCURRENCY = 100;

/** Requests per second of a plain undici loop to the same receiver: what no webhook service on this machine can pass. */
export async function plainLoop(url: string, body: string): Promise<number> {
  const agent = new Agent({ connections: CONCURRENCY });
  const { origin, pathname } = new URL(url);
  let left = REQUESTS;
  const runner = async (): Promise<void> => {
    while (left-- > 0) {
      const headers = { 'content-type': 'application/json' };
      const response = await agent.request({ origin, path: pathname, method: 'POST', headers, body });
      await response.body.dump();
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, runner));
  const seconds = (performance.now() - started) / 1_000;
  await agent.close();
  return REQUESTS / seconds;
}
