import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** A parsed CIDR. */
export type Network = [Address, number];

/** The endpoint's address is in a network that webhooks may not reach; no connection was made. */
export class EgressRefusedError extends Error {
  override readonly name = 'EgressRefusedError';
  readonly address: string;

  constructor(address: string, refusal: string) {
    super(`${address} is ${refusal}: not reached unless POSTCALL_ALLOW_NETWORKS names its network`);
    this.address = address;
  }
}

/** Parses CIDRs (`10.0.0.0/8`, `fd00::/8`) and single addresses. Throws a TypeError that names the first bad one. */
export function parseNetworks(cidrs: readonly string[]): Network[] {
  return cidrs.map((cidr) => {
    // The strict checks: ipaddr.js itself takes `10/8` for 0.0.0.10/8.
    if (ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr) || ipaddr.IPv6.isValidCIDR(cidr)) return ipaddr.parseCIDR(cidr);
    if (ipaddr.IPv4.isValidFourPartDecimal(cidr)) return [ipaddr.IPv4.parse(cidr), 32];
    if (ipaddr.IPv6.isValid(cidr)) return [ipaddr.IPv6.parse(cidr), 128];
    throw new TypeError(`${JSON.stringify(cidr)} is not a network: write it as 10.1.0.0/16 or fd00::/8`);
  });
}

/** What is wrong with each of ipaddr.js's ranges (the IANA special-purpose registries); any other is worded as `reserved`. */
const REFUSALS: Record<string, string> = {
  unspecified: 'an unspecified address',
  broadcast: 'a broadcast address',
  multicast: 'a multicast address',
  linkLocal: 'a link-local address',
  loopback: 'a loopback address',
  carrierGradeNat: 'a carrier-grade NAT address',
  private: 'a private address',
  uniqueLocal: 'a private address',
  deprecatedSiteLocal: 'a private address',
  '6to4': 'a tunnel address',
  teredo: 'a tunnel address',
};

/** Azure's WireServer: public by number, but it serves a virtual machine's own secrets. */
const AZURE_WIRE_SERVER = '168.63.129.16';
/** All of IPv6's global unicast space that IANA has given out; what lies outside is reserved or IPv4-compatible. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');
/** NAT64's well-known prefix (RFC 6052): on an IPv6-only network, DNS64 answers with it for every IPv4 endpoint. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');

/** The IPv4 address to which a connection to this IPv6 address would go. */
function embeddedIPv4(address: Address): ipaddr.IPv4 | undefined {
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : undefined;
}

/** `::1.2.3.4`, deprecated by RFC 4291; ipaddr.js would take it for the IPv4-mapped address. */
const IPV4_COMPATIBLE = /^::\d+\.\d+\.\d+\.\d+$/;

const isIn = (address: Address, networks: readonly Network[]): boolean =>
  networks.some(([network, prefix]) => network.kind() === address.kind() && address.match(network, prefix));

function refusalOfParsed(address: Address): string | undefined {
  if (address.toString() === AZURE_WIRE_SERVER) return 'a cloud metadata address';
  const range = address.range();
  if (range !== 'unicast') return REFUSALS[range] ?? 'a reserved address';
  if (address.kind() === 'ipv6' && !address.match(GLOBAL_UNICAST)) return 'a reserved address';
  return undefined;
}

/**
 * Why an IP address may not be reached, such as `a private address`; undefined when it may. Only global unicast addresses may,
 * and those in `allow`. An IPv4 address inside an IPv6 one (mapped, NAT64) is judged as the IPv4 address that it leads to.
 */
export function refusalOf(address: string, allow: readonly Network[]): string | undefined {
  if (isIP(address) === 0) return 'not an IP address';
  if (IPV4_COMPATIBLE.test(address)) return 'a reserved address';
  const parsed = ipaddr.parse(address);
  const target = embeddedIPv4(parsed) ?? parsed;
  if (isIn(parsed, allow) || isIn(target, allow)) return undefined;
  return refusalOfParsed(target);
}
