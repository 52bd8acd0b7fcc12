import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook endpoint in a process of its own: answers 200 at once, and on request tells when each call arrived. */
export type ReceiverMessage = { port: number } | { arrivals: [callId: string, at: number][] };

const CALL_ID = /"call_id":"([^"]+)"/;
let arrivals: [string, number][] = [];

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    arrivals.push([CALL_ID.exec(body)?.[1] ?? '', Date.now()]);
    response.writeHead(200).end();
  });
});

process.on('message', () => {
  process.send?.({ arrivals } satisfies ReceiverMessage);
  arrivals = [];
});
process.on('disconnect', () => process.exit());

server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port } satisfies ReceiverMessage);
});
