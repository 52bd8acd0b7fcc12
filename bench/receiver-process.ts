import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A webhook endpoint in a process of its own. It tells on request when each call arrived. `/hook` answers 200 at once, `/slow` after 300
 * ms, `/third` answers 404 to the first three requests of each call, `/outage` answers 503 until the outage is over, `/hang` never answers
 * and is not counted. It listens on many ports, each an origin of its own.
 */
export type ReceiverMessage = { ports: number[] } | { count: number } | { arrivals: [callId: string, at: number][] };
export type ReceiverRequest = 'arrivals' | 'count' | 'outage over';

/** What the slow endpoint takes. */
export const SLOW_MS = 300;
const FAILURES = 3;
const PORTS = 401;

const CALL_ID = /"call_id":"([^"]+)"/;
let arrivals: [string, number][] = [];
let outage = true;
const seen = new Map<string, number>();

async function answer(path: string, callId: string, response: ServerResponse): Promise<void> {
  if (path.startsWith('/slow')) await delay(SLOW_MS);
  response.writeHead(statusOf(path, callId)).end();
}

function statusOf(path: string, callId: string): number {
  if (path.startsWith('/outage')) return outage ? 503 : 200;
  if (!path.startsWith('/third')) return 200;
  const times = (seen.get(callId) ?? 0) + 1;
  seen.set(callId, times);
  return times > FAILURES ? 200 : 404;
}

const handle: RequestListener = (request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    if (request.url?.startsWith('/hang')) return;
    const callId = CALL_ID.exec(body)?.[1] ?? '';
    arrivals.push([callId, Date.now()]);
    void answer(request.url ?? '', callId, response);
  });
};

process.on('message', (request: ReceiverRequest) => {
  if (request === 'outage over') {
    outage = false;
    // A probe that was refused a moment before is no attempt of the recovery.
    arrivals = [];
    return;
  }
  if (request === 'count') {
    process.send?.({ count: new Set(arrivals.map(([callId]) => callId)).size } satisfies ReceiverMessage);
    return;
  }
  process.send?.({ arrivals } satisfies ReceiverMessage);
  arrivals = [];
});
process.on('disconnect', () => process.exit());

async function listen(): Promise<number> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const ports = await Promise.all(Array.from({ length: PORTS }, listen));
process.send?.({ ports } satisfies ReceiverMessage);
