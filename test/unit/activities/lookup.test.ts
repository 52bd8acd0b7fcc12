import { describe, expect, it, vi } from 'vitest';
import { type Lookup, LookupError, shareLookups } from '../../../activities/lookup.js';

const ADDRESSES = [{ address: '192.0.2.1', family: 4 }];

describe('shareLookups', () => {
  it('asks once for a name that many want to know at the same time', async () => {
    const lookup = vi.fn<Lookup>(async () => ADDRESSES);
    const shared = shareLookups(lookup);
    const answers = await Promise.all([shared('a.test'), shared('a.test'), shared('b.test'), shared('a.test')]);
    expect(answers).toEqual([ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES]);
    expect(lookup.mock.calls).toEqual([['a.test'], ['b.test']]);
  });

  it('keeps no answer: the next connection asks again', async () => {
    const lookup = vi.fn<Lookup>(async () => ADDRESSES);
    const shared = shareLookups(lookup);
    await shared('a.test');
    await shared('a.test');
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  it('keeps no failure', async () => {
    const lookup = vi
      .fn<Lookup>(async () => ADDRESSES)
      .mockRejectedValueOnce(Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' }));
    const shared = shareLookups(lookup);
    const first = await Promise.allSettled([shared('a.test'), shared('a.test')]);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(shared('a.test')).resolves.toEqual(ADDRESSES);
  });

  it('names the host and the code of a failure', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    const failure = shareLookups(() => Promise.reject(cause))('example.test');
    await expect(failure).rejects.toThrow(LookupError);
    await expect(failure).rejects.toMatchObject({
      message: 'DNS lookup of example.test failed: ENOTFOUND',
      code: 'ENOTFOUND',
      cause,
    });
  });

  it('takes no addresses for a failure', async () => {
    await expect(shareLookups(async () => [])('example.test')).rejects.toThrow('failed: ENODATA');
  });

  it('keeps the message short for the longest of names', async () => {
    const failure = shareLookups(() => Promise.reject(new Error('no')))('a'.repeat(253));
    await expect(failure).rejects.toThrow(/^DNS lookup of a{100}\.\.\. failed: unknown error$/);
  });
});
