import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** A parsed CIDR. */
export type Network = [Address, number];

/** Networks that may be reached although they are not public, and networks that may never be. Denial wins. */
export interface EgressLists {
  allow: readonly Network[];
  deny: readonly Network[];
}

/** Why an address may not be reached: its kind, such as `a private address`, or the network of the deny list that has it. */
export type Refusal = { kind: 'not_public'; what: string } | { kind: 'denied'; network: string };

const describe = (refusal: Refusal): string =>
  refusal.kind === 'denied'
    ? `in ${refusal.network}: not reached because POSTCALL_DENY_NETWORKS names that network`
    : `${refusal.what}: not reached unless POSTCALL_ALLOW_NETWORKS names its network`;

/** The endpoint's address is in a network that webhooks may not reach; no connection was made. */
export class EgressRefusedError extends Error {
  override readonly name = 'EgressRefusedError';
  readonly address: string;

  constructor(address: string, refusal: Refusal) {
    super(`${address} is ${describe(refusal)}`);
    this.address = address;
  }
}

function parseNetwork(cidr: string): Network {
  // The strict checks: ipaddr.js itself takes `10/8` for 0.0.0.10/8.
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr) || ipaddr.IPv6.isValidCIDR(cidr)) return ipaddr.parseCIDR(cidr);
  if (ipaddr.IPv4.isValidFourPartDecimal(cidr)) return [ipaddr.IPv4.parse(cidr), 32];
  if (ipaddr.IPv6.isValid(cidr)) return [ipaddr.IPv6.parse(cidr), 128];
  throw new TypeError(`${JSON.stringify(cidr)} is not a network: write it as 10.1.0.0/16 or fd00::/8`);
}

/** `::ffff:10.0.0.0/104` is 10.0.0.0/8: addresses in it lead there, however they are written. */
const unmapped = ([address, prefix]: Network): Network =>
  address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefix >= 96
    ? [address.toIPv4Address(), prefix - 96]
    : [address, prefix];

/** Parses CIDRs (`10.0.0.0/8`, `fd00::/8`) and single addresses. Throws a TypeError that names the first bad one. */
export const parseNetworks = (cidrs: readonly string[]): Network[] => cidrs.map((cidr) => unmapped(parseNetwork(cidr)));

/** Each of ipaddr.js's ranges (the IANA special-purpose registries) in words; any other is `reserved`. */
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

/** The network that one of these forms of an address is in. */
const networkOf = (forms: readonly Address[], networks: readonly Network[]): Network | undefined =>
  networks.find(([network, prefix]) =>
    forms.some((form) => form.kind() === network.kind() && form.match(network, prefix)),
  );

function whyNotPublic(address: Address): string | undefined {
  if (address.toString() === AZURE_WIRE_SERVER) return 'a cloud metadata address';
  const range = address.range();
  if (range !== 'unicast') return REFUSALS[range] ?? 'a reserved address';
  if (address.kind() === 'ipv6' && !address.match(GLOBAL_UNICAST)) return 'a reserved address';
  return undefined;
}

const notPublic = (what: string): Refusal => ({ kind: 'not_public', what });

/**
 * Why an IP address may not be reached; undefined when it may. Only global unicast addresses may, and those in `allow`; none
 * in `deny`. An IPv4 address inside an IPv6 one (mapped, NAT64) is judged as the IPv4 address that it leads to.
 */
export function refusalOf(address: string, { allow, deny }: EgressLists): Refusal | undefined {
  if (isIP(address) === 0) return notPublic('not an IP address');
  if (IPV4_COMPATIBLE.test(address)) return notPublic('a reserved address');
  const parsed = ipaddr.parse(address);
  const target = embeddedIPv4(parsed) ?? parsed;
  const forms = [parsed, target];
  const denied = networkOf(forms, deny);
  if (denied) return { kind: 'denied', network: denied.join('/') };
  if (networkOf(forms, allow)) return undefined;
  const what = whyNotPublic(target);
  return what === undefined ? undefined : notPublic(what);
}
