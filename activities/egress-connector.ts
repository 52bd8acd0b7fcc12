import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { EgressRefusedError, type Network, refusalOf } from './egress-guard.js';
import type { Lookup } from './lookup.js';

export interface EgressConnectorOptions {
  allow: readonly Network[];
  lookup: Lookup;
  /** Milliseconds for DNS, TCP and TLS together. */
  timeoutMs: number;
  /** Certificate authorities (PEM) instead of the default ones. */
  ca?: string;
}

/** The addresses that may be dialled; throws {@link EgressRefusedError} when none may. */
function allowedOf(addresses: LookupAddress[], allow: readonly Network[]): LookupAddress[] {
  const allowed = addresses.filter(({ address }) => refusalOf(address, allow) === undefined);
  const [first] = addresses;
  if (allowed.length === 0 && first) {
    throw new EgressRefusedError(first.address, refusalOf(first.address, allow) ?? 'refused');
  }
  return allowed;
}

/** The addresses that this answers are the ones that `net.connect` dials: nothing resolves the name a second time. */
function guardedLookup(lookup: Lookup, allow: readonly Network[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname)
      .then((addresses) => allowedOf(addresses, allow))
      .then(
        (allowed) => {
          const [first] = allowed;
          if (options.all) callback(null, allowed);
          else callback(null, first?.address ?? '', first?.family);
        },
        (error: Error) => callback(error, options.all ? [] : ''),
      );
  };
}

/** A connector for undici that refuses private networks, on the address actually dialled. */
export function createEgressConnector(options: EgressConnectorOptions): buildConnector.connector {
  const { allow, timeoutMs, ca } = options;
  const connect = buildConnector({
    timeout: timeoutMs,
    lookup: guardedLookup(options.lookup, allow),
    ...(ca === undefined ? {} : { ca }),
  });
  return (target, callback) => {
    // `net.connect` asks no lookup function for a host that `isIP` takes for an address: judge it here.
    const refusal = isIP(target.hostname) === 0 ? undefined : refusalOf(target.hostname, allow);
    if (refusal === undefined) connect(target, callback);
    else queueMicrotask(() => callback(new EgressRefusedError(target.hostname, refusal), null));
  };
}
