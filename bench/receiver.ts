import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ReceiverMessage, ReceiverRequest } from './receiver-process.js';

interface Arrivals {
  requests: number;
  /** Milliseconds since the epoch, by call. */
  first: Map<string, number>;
  last: Map<string, number>;
}

export interface BenchReceiver extends Disposable {
  /** Without a path; the process says which paths there are. */
  origin: string;
  /** 400 more. */
  others: string[];
  pid: number;
  /** When each call arrived, and how many requests there were; forgets them. */
  takeArrivals(): Promise<Arrivals>;
  /** Calls that have arrived since arrivals were taken last. */
  count(): Promise<number>;
  endOutage(): void;
}

/** Starts the receiver's process. */
export async function startReceiver(): Promise<BenchReceiver> {
  const child = fork(fileURLToPath(new URL('./receiver-process.js', import.meta.url)));
  const next = async (): Promise<ReceiverMessage> => (await once(child, 'message'))[0];
  const ask = (request: ReceiverRequest) => child.send(request);
  const started = await next();
  if (!('ports' in started)) throw new Error('the receiver did not say its ports');
  const [origin = '', ...others] = started.ports.map((port) => `http://127.0.0.1:${port}`);
  return {
    origin,
    others,
    pid: child.pid as number,
    takeArrivals: async () => {
      ask('arrivals');
      const answer = await next();
      if (!('arrivals' in answer)) throw new Error('the receiver did not say its arrivals');
      return arrivalsOf(answer.arrivals);
    },
    count: async () => {
      ask('count');
      const answer = await next();
      if (!('count' in answer)) throw new Error('the receiver did not say its count');
      return answer.count;
    },
    endOutage: () => {
      ask('outage over');
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}

function arrivalsOf(arrivals: readonly [string, number][]): Arrivals {
  const first = new Map<string, number>();
  for (const [callId, at] of arrivals) if (!first.has(callId)) first.set(callId, at);
  return { requests: arrivals.length, first, last: new Map(arrivals) };
}
