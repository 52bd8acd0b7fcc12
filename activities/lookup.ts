import { ADDRCONFIG, type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';

/** Every address of a host name. Rejects with the resolver's error, whose `code` says why (`ENOTFOUND`, `EAI_AGAIN`, ...). */
export type Lookup = (hostname: string) => Promise<LookupAddress[]>;

/** A host name that could not be resolved; `cause` is the resolver's error. */
export class LookupError extends Error {
  override readonly name = 'LookupError';
  readonly code: string;

  constructor(hostname: string, code: string, cause?: unknown) {
    const name = hostname.length > 100 ? `${hostname.slice(0, 100)}...` : hostname;
    super(`DNS lookup of ${name} failed: ${code}`, { cause });
    this.code = code;
  }
}

/** The operating system's resolver (`/etc/hosts`, search domains and all), with the options that `net.connect` gives it. */
export const systemLookup: Lookup = (hostname) => lookup(hostname, { all: true, hints: ADDRCONFIG });

const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
};

/**
 * Concurrent lookups of one name share one answer; nothing is kept afterwards. The system's resolver blocks one of the few threads of
 * libuv's pool. A hundred connections to a name with a dead DNS would occupy them all, and delay every other endpoint.
 */
export function shareLookups(lookupHost: Lookup): Lookup {
  const running = new Map<string, Promise<LookupAddress[]>>();
  const resolve = async (hostname: string): Promise<LookupAddress[]> => {
    try {
      const addresses = await lookupHost(hostname);
      if (addresses.length === 0) throw new LookupError(hostname, 'ENODATA');
      return addresses;
    } catch (error) {
      throw error instanceof LookupError ? error : new LookupError(hostname, codeOf(error), error);
    } finally {
      running.delete(hostname);
    }
  };
  return (hostname) => {
    const known = running.get(hostname);
    if (known !== undefined) return known;
    const answer = resolve(hostname);
    running.set(hostname, answer);
    return answer;
  };
}
