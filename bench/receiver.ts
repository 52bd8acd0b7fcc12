import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ReceiverMessage } from './receiver-process.js';

export interface BenchReceiver extends Disposable {
  url: string;
  pid: number;
  /** When each call arrived first (milliseconds since the epoch), and how many requests there were; forgets them. */
  takeArrivals(): Promise<{ requests: number; firstArrival: Map<string, number> }>;
}

/** Starts the receiver's process. */
export async function startReceiver(): Promise<BenchReceiver> {
  const child = fork(fileURLToPath(new URL('./receiver-process.js', import.meta.url)));
  const next = async (): Promise<ReceiverMessage> => (await once(child, 'message'))[0];
  const started = await next();
  if (!('port' in started)) throw new Error('the receiver did not say its port');
  return {
    url: `http://127.0.0.1:${started.port}/hook`,
    pid: child.pid as number,
    takeArrivals: async () => {
      child.send('arrivals');
      const answer = await next();
      if (!('arrivals' in answer)) throw new Error('the receiver did not say its arrivals');
      const firstArrival = new Map<string, number>();
      for (const [callId, at] of answer.arrivals) if (!firstArrival.has(callId)) firstArrival.set(callId, at);
      return { requests: answer.arrivals.length, firstArrival };
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
