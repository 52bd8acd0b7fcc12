import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { webhookUrlSchema } from '../../../contract/index.js';

const messagesOf = (value: string): string[] =>
  webhookUrlSchema.safeParse(value).error?.issues.map(({ message }) => message) ?? [];

describe('a webhook URL', () => {
  it.each([
    [' http:host/ok ', 'http://host/ok'],
    ['HTTPS://Example.COM:443/a/../b/./c?q=1#part', 'https://example.com/b/c?q=1'],
    ['http://host', 'http://host/'],
    ['http://host:80/', 'http://host/'],
    ['http://host:8080/', 'http://host:8080/'],
    ['http:\\\\host\\a', 'http://host/a'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
    ['http://[0:0::1]/', 'http://[::1]/'],
    ['https://bücher.example/ü?ü', 'https://xn--bcher-kva.example/%C3%BC?%C3%BC'],
    ['http://host/a b', 'http://host/a%20b'],
    ['http://host/%2f', 'http://host/%2f'],
  ])('%j is %j', (value, expected) => {
    expect(webhookUrlSchema.parse(value)).toBe(expected);
  });

  it('is taken however often it has been parsed: what the engine optimises answers the same', () => {
    const url = 'https://xn--bcher-kva.example/';
    const answers = Array.from({ length: 20_000 }, () => webhookUrlSchema.safeParse('https://bücher.example/').data);
    expect(new Set(answers)).toEqual(new Set([url]));
  });

  it.each([
    ['', 'must not be empty'],
    ['/hook', 'must be an absolute http or https URL'],
    ['http://', 'must be an absolute http or https URL'],
    ['ftp://host/', 'must be an absolute http or https URL'],
    ['javascript:alert(1)', 'must be an absolute http or https URL'],
    ['http://user@host/', 'must not contain credentials; use signing secrets to authenticate'],
    ['http://:password@host/', 'must not contain credentials; use signing secrets to authenticate'],
    ['http://ho\tst/', 'must not contain control characters'],
    ['http://host/\n', 'must not contain control characters'],
    [`http://host/${'a'.repeat(2_048)}`, 'must have at most 2048 characters'],
    [`http://host/${'ü'.repeat(1_000)}`, 'must have at most 2048 characters when it is percent-encoded'],
  ])('%j is refused: %s', (value, message) => {
    expect(messagesOf(value)).toContain(message);
  });

  it('has one form: it is stored, filtered by and dialled in the same', () => {
    const property = fc.property(
      fc.constantFrom('http:', 'https://', ' HTTP://', 'http:\\'),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      (scheme, url, tail) => {
        const parsed = webhookUrlSchema.safeParse(scheme + url.replace(/^https?:\/\//, '') + tail);
        if (!parsed.success) return;
        expect(webhookUrlSchema.parse(parsed.data)).toBe(parsed.data);
        const { origin, pathname, search } = new URL(parsed.data);
        expect(origin + pathname + search).toBe(parsed.data);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });
});
