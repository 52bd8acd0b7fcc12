import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceivedRequest } from './receiver.js';

/** Answers one request, or does not. */
export type Behaviour = (request: ReceivedRequest, response: ServerResponse) => void;

/** Answers at once. */
export const answer =
  (status: number, headers: OutgoingHttpHeaders = {}, body = ''): Behaviour =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

/** Behaves so only after a while: nothing is sent before. */
export const delayed =
  (milliseconds: number, behaviour: Behaviour): Behaviour =>
  (request, response) => {
    void delay(milliseconds).then(() => {
      if (!response.destroyed) behaviour(request, response);
    });
  };

/** The first behaviour for the first request of each `webhook-id`, the second for its second, and so on; the last one repeats. */
export const inTurn =
  (...behaviours: [Behaviour, ...Behaviour[]]): Behaviour =>
  (request, response) => {
    const index = Math.min(request.seen, behaviours.length) - 1;
    (behaviours[index] ?? behaviours[0])(request, response);
  };

export const redirectTo = (location: string, status = 301): Behaviour => answer(status, { location });

/** Accepts the request and stays silent. */
export const neverAnswer: Behaviour = () => undefined;

/** Sends the status, and then a byte of the body every so often, without end. */
export const trickle =
  (intervalMs: number, status = 200): Behaviour =>
  (_request, response) => {
    response.writeHead(status).write('.');
    const timer = setInterval(() => response.write('.'), intervalMs);
    response.on('close', () => clearInterval(timer));
  };

/** Sends the status, and then a body without end as fast as it is taken. */
export const endless =
  (status = 200): Behaviour =>
  (_request, response) => {
    const chunk = Buffer.alloc(16 * 1024, '.');
    const fill = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', fill).writeHead(status);
    fill();
  };

/** Resets the connection instead of answering. */
export const reset: Behaviour = ({ socket }) => {
  socket.resetAndDestroy();
};

/** Sends the status and half of the body that it announced, then resets the connection. */
export const resetMidResponse =
  (status = 200): Behaviour =>
  ({ socket }, response) => {
    response.writeHead(status, { 'content-length': 10 });
    response.write('12345');
    // The other side must have read the status before the reset discards it.
    void delay(50).then(() => socket.resetAndDestroy());
  };

/** Sends these bytes instead of an HTTP response, and closes the connection. */
export const rawAnswer =
  (bytes: string): Behaviour =>
  ({ socket }) => {
    socket.end(bytes, 'latin1');
  };

/** Sends these pieces one by one instead of an HTTP response, and closes the connection unless it is to be kept. */
export const rawPieces =
  (pieces: readonly string[], { keep = false } = {}): Behaviour =>
  ({ socket }) => {
    void (async () => {
      for (const piece of pieces) {
        // Long enough for the other side to read each piece for itself, as a rule.
        await delay(2);
        if (!socket.destroyed) socket.write(piece, 'latin1');
      }
      if (!keep) socket.end();
    })();
  };
