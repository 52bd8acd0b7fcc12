import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EgressLists, EgressRefusedError, parseNetworks, refusalOf } from '../../../activities/egress-guard.js';

const lists = (allow: string[], deny: string[] = []): EgressLists => ({
  allow: parseNetworks(allow),
  deny: parseNetworks(deny),
});
const NOTHING = lists([]);

describe('refusalOf', () => {
  it.each([
    ['127.0.0.1', 'a loopback address'],
    ['127.255.255.254', 'a loopback address'],
    ['0.0.0.0', 'an unspecified address'],
    ['0.1.2.3', 'an unspecified address'],
    ['10.0.0.5', 'a private address'],
    ['172.16.0.1', 'a private address'],
    ['172.31.255.255', 'a private address'],
    ['192.168.1.1', 'a private address'],
    ['169.254.169.254', 'a link-local address'],
    ['100.64.0.1', 'a carrier-grade NAT address'],
    ['100.100.100.200', 'a carrier-grade NAT address'],
    ['168.63.129.16', 'a cloud metadata address'],
    ['192.0.0.192', 'a reserved address'],
    ['192.0.2.1', 'a reserved address'],
    ['192.88.99.1', 'a reserved address'],
    ['198.18.0.1', 'a reserved address'],
    ['198.51.100.1', 'a reserved address'],
    ['203.0.113.1', 'a reserved address'],
    ['224.0.0.1', 'a multicast address'],
    ['240.0.0.1', 'a reserved address'],
    ['255.255.255.255', 'a broadcast address'],
    ['::', 'an unspecified address'],
    ['::1', 'a loopback address'],
    ['fe80::1', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address'],
    ['fc00::1', 'a private address'],
    ['fd00:ec2::254', 'a private address'],
    ['fec0::1', 'a private address'],
    ['ff02::1', 'a multicast address'],
    ['100::1', 'a reserved address'],
    ['2001:db8::1', 'a reserved address'],
    ['2001::1', 'a tunnel address'],
    ['2002:7f00:1::', 'a tunnel address'],
    ['2001:2::1', 'a reserved address'],
    ['3fff::1', 'a reserved address'],
    ['5f00::1', 'a reserved address'],
    ['4000::1', 'a reserved address'],
    ['64:ff9b:1::a00:1', 'a reserved address'],
    ['::127.0.0.1', 'a reserved address'],
    ['::8.8.8.8', 'a reserved address'],
    ['::ffff:127.0.0.1', 'a loopback address'],
    ['::ffff:10.0.0.1', 'a private address'],
    ['::ffff:169.254.169.254', 'a link-local address'],
    ['::ffff:168.63.129.16', 'a cloud metadata address'],
    ['::ffff:0:127.0.0.1', 'a reserved address'],
    ['64:ff9b::127.0.0.1', 'a loopback address'],
    ['64:ff9b::a00:1', 'a private address'],
    ['localhost', 'not an IP address'],
    ['', 'not an IP address'],
  ])('refuses %s as %s', (address, refusal) => {
    expect(refusalOf(address, NOTHING)).toEqual({ kind: 'not_public', what: refusal });
  });

  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '169.253.0.1',
    '168.63.129.17',
    '2606:4700:4700::1111',
    '2a00:1450:4001:80b::200e',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('lets %s pass', (address) => {
    expect(refusalOf(address, NOTHING)).toBeUndefined();
  });

  it.each([
    ['127.0.0.1', '127.0.0.0/8'],
    ['127.0.0.1', '127.0.0.1'],
    ['10.1.2.3', '10.1.0.0/16'],
    ['168.63.129.16', '168.63.129.16/32'],
    ['::1', '::1/128'],
    ['::1', '::1'],
    ['fd12::1', 'fd00::/8'],
    ['::ffff:127.0.0.1', '127.0.0.0/8'],
    ['::ffff:127.0.0.1', '::ffff:0:0/96'],
    ['127.0.0.1', '::ffff:127.0.0.0/104'],
    ['64:ff9b::10.0.0.1', '10.0.0.0/8'],
    ['10.0.0.1', '0.0.0.0/0'],
  ])('lets %s pass when %s is allowed', (address, network) => {
    expect(refusalOf(address, lists(['192.168.0.0/16', network]))).toBeUndefined();
  });

  it.each([
    ['10.2.0.1', '10.1.0.0/16'],
    ['10.2.0.1', '::ffff:10.1.0.0/112'],
    ['::1', '0.0.0.0/0'],
    ['127.0.0.1', '::/0'],
  ])('still refuses %s when only %s is allowed', (address, network) => {
    expect(refusalOf(address, lists([network]))).toBeDefined();
  });

  it.each([
    ['8.8.8.8', '8.8.0.0/16', '8.8.0.0/16'],
    ['10.0.0.1', '10.0.0.1', '10.0.0.1/32'],
    ['2a00:64::a00:1', '2a00:64::/96', '2a00:64::/96'],
    ['::ffff:10.0.0.1', '10.0.0.0/8', '10.0.0.0/8'],
    ['64:ff9b::8.8.8.8', '8.8.8.8', '8.8.8.8/32'],
    ['64:ff9b::8.8.8.8', '64:ff9b::/96', '64:ff9b::/96'],
    ['10.0.0.1', '::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['fe80::1%eth0', 'fe80::/10', 'fe80::/10'],
  ])('refuses %s where %s is denied, although all is allowed', (address, denied, network) => {
    expect(refusalOf(address, lists(['0.0.0.0/0', '::/0'], ['192.0.2.0/24', denied]))).toEqual({
      kind: 'denied',
      network,
    });
  });

  it.each([
    ['8.8.8.8', '8.9.0.0/16'],
    ['8.8.8.8', '::/0'],
    ['2a00:65::1', '2a00:64::/96'],
    ['2a00:65::1', '0.0.0.0/0'],
  ])('lets %s pass where only %s is denied', (address, denied) => {
    expect(refusalOf(address, lists([], [denied]))).toBeUndefined();
  });

  it('judges every IPv4 address alike inside its IPv6 forms', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const refusal = refusalOf(address, NOTHING);
        expect(refusalOf(`::ffff:${address}`, NOTHING)).toEqual(refusal);
        expect(refusalOf(`64:ff9b::${address}`, NOTHING)).toEqual(refusal);
        expect(refusalOf(`::${address}`, NOTHING)).toBeDefined();
      }),
    );
  });

  it('never throws, and lets nothing pass that is no address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.webAuthority(), fc.ipV4Extended()), (text) => {
        fc.pre(isIP(text) === 0);
        expect(refusalOf(text, lists(['0.0.0.0/0', '::/0']))).toEqual({
          kind: 'not_public',
          what: 'not an IP address',
        });
      }),
    );
  });
});

describe('parseNetworks', () => {
  it.each(['127.0.0.0', '10.0.0.0/8', 'fd00::/8', '::1', '::ffff:0:0/96'])('reads %s', (network) => {
    expect(parseNetworks([network])).toHaveLength(1);
  });

  it.each(['', 'localhost', '10.0.0.0/33', '10/8', '2130706433', '10.0.0.0/', '::1/129', '10.0.0.0/8 '])(
    'names %j as no network',
    (network) => {
      expect(() => parseNetworks(['10.0.0.0/8', network])).toThrow(
        `${JSON.stringify(network)} is not a network: write it as 10.1.0.0/16 or fd00::/8`,
      );
    },
  );
});

describe('EgressRefusedError', () => {
  it('names the address and the remedy', () => {
    expect(new EgressRefusedError('10.0.0.5', { kind: 'not_public', what: 'a private address' }).message).toBe(
      '10.0.0.5 is a private address: not reached unless POSTCALL_ALLOW_NETWORKS names its network',
    );
  });

  it('names the address and the network that is denied', () => {
    expect(new EgressRefusedError('10.0.0.5', { kind: 'denied', network: '10.0.0.0/8' }).message).toBe(
      '10.0.0.5 is in 10.0.0.0/8: not reached because POSTCALL_DENY_NETWORKS names that network',
    );
  });
});
