import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';

/** RFC 8305 section 5: milliseconds that an address has to itself before the next one is dialled beside it. */
const HEAD_START_MS = 250;
/** Of one name's addresses, at most so many are dialled: an answer of thousands would make a port scanner of the worker. */
const MAX_ADDRESSES = 8;
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

/** What this machine's own routes say about one address; another address's error tells more about the endpoint. */
const ROUTE_CODES = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'];

const isRouteError = (error: Error): boolean => 'code' in error && ROUTE_CODES.includes(error.code as string);

/** Families take turns, the resolver's first choice first (RFC 8305 section 4): one dead family delays the other only once. */
export function inDiallingOrder(addresses: readonly LookupAddress[]): LookupAddress[] {
  const family = addresses[0]?.family;
  const preferred = addresses.filter((address) => address.family === family);
  const others = addresses.filter((address) => address.family !== family);
  const turns = Array.from({ length: Math.max(preferred.length, others.length) }, (_, turn) => turn);
  return turns.flatMap((turn) => [...preferred.slice(turn, turn + 1), ...others.slice(turn, turn + 1)]);
}

export interface Dialling {
  /** Destroys every socket that was opened, the connected one too. The callback is not called any more. */
  cancel(): void;
}

export type Dialled = (error: Error | null, socket?: Socket) => void;

/**
 * Opens a TCP connection to the first of these IP addresses that accepts one (RFC 8305). Node.js gives an address up after 250 ms, when it
 * dials the next one. Here it stays in the race until another one wins, or the caller cancels.
 */
export function dial(addresses: readonly LookupAddress[], port: number, done: Dialled): Dialling {
  const waiting = inDiallingOrder(addresses).slice(0, MAX_ADDRESSES);
  const racing = new Set<Socket>();
  const failures: Error[] = [];
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  const end = (winner?: Socket): void => {
    over = true;
    clearTimeout(timer);
    for (const socket of racing) if (socket !== winner) socket.destroy();
  };

  const fail = (socket: Socket, error: Error): void => {
    racing.delete(socket);
    if (over) return;
    failures.push(error);
    if (waiting.length > 0) next();
    else if (racing.size === 0) {
      end();
      done(failures.find((failure) => !isRouteError(failure)) ?? error);
    }
  };

  const next = (): void => {
    clearTimeout(timer);
    const host = waiting.shift()?.address;
    if (host === undefined) return;
    if (waiting.length > 0) timer = setTimeout(next, HEAD_START_MS);
    const socket = connect({ host, port, ...SOCKET_OPTIONS });
    racing.add(socket);
    // It stays on the winner: below TLS, nothing else listens to the socket's errors.
    socket.on('error', (error) => fail(socket, error));
    socket.once('connect', () => {
      end(socket);
      done(null, socket);
    });
  };

  next();
  return { cancel: () => end() };
}
