import type { LookupAddress } from 'node:dns';
import { isIP, type Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import { type Dialling, dial } from './dial.js';
import { type EgressLists, EgressRefusedError, refusalOf } from './egress-guard.js';
import type { Lookup } from './lookup.js';

export interface EgressConnectorOptions extends EgressLists {
  lookup: Lookup;
  /** Milliseconds for DNS, TCP and TLS together. */
  timeoutMs: number;
  /** Certificate authorities (PEM) instead of the default ones. */
  ca?: string;
}

/** The addresses that may be dialled; throws {@link EgressRefusedError} when none may. */
function allowedOf(addresses: readonly LookupAddress[], lists: EgressLists): LookupAddress[] {
  const judged = addresses.map((address) => ({ address, refusal: refusalOf(address.address, lists) }));
  const allowed = judged.filter(({ refusal }) => refusal === undefined).map(({ address }) => address);
  const [first] = judged;
  if (allowed.length === 0 && first?.refusal) throw new EgressRefusedError(first.address.address, first.refusal);
  return allowed;
}

/** The addresses that this answers are the ones that are dialled: nothing resolves the name a second time. */
async function addressesOf(hostname: string, options: EgressConnectorOptions): Promise<LookupAddress[]> {
  const family = isIP(hostname);
  return allowedOf(family === 0 ? await options.lookup(hostname) : [{ address: hostname, family }], options);
}

/** RFC 6066 section 3: the name in SNI, against which the certificate is checked, has no trailing dot; an address is none. */
const serverNameOf = (hostname: string): { servername?: string } =>
  isIP(hostname) === 0 ? { servername: hostname.replace(/\.$/, '') } : {};

const portOf = ({ port, protocol }: buildConnector.Options): number =>
  Number(port) || (protocol === 'https:' ? 443 : 80);

/** A connector for undici that refuses private and denied networks, on the address actually dialled. */
export function createEgressConnector(options: EgressConnectorOptions): buildConnector.connector {
  const { timeoutMs, ca } = options;
  // The timer below covers the handshake as well.
  const secure = buildConnector({ timeout: 0, ...(ca === undefined ? {} : { ca }) });

  return (target, callback) => {
    let dialling: Dialling | undefined;
    let over = false;

    const succeed = (socket: Socket): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      callback(null, socket);
    };
    const fail = (error: Error): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      dialling?.cancel();
      callback(error, null);
    };
    const timer = setTimeout(() => fail(new errors.ConnectTimeoutError()), timeoutMs);

    const handshake = (httpSocket: Socket): void =>
      secure({ ...target, ...serverNameOf(target.hostname), httpSocket }, (error, socket) =>
        socket ? succeed(socket) : fail(error),
      );

    addressesOf(target.hostname, options).then((addresses) => {
      if (over) return;
      dialling = dial(addresses, portOf(target), (error, socket) => {
        if (!socket) fail(error ?? new errors.ConnectTimeoutError());
        else if (target.protocol === 'https:') handshake(socket);
        else succeed(socket);
      });
    }, fail);
  };
}
