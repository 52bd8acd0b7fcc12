import type { FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { invalid, notJson } from '../errors.js';

/** Strict: text that is no UTF-8 is refused, not replaced. A byte order mark is skipped, as RFC 8259, section 8.1, allows. */
const utf8 = new TextDecoder('utf-8', { fatal: true });
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;
/** US-ASCII is a part of UTF-8. */
const CHARSETS = ['utf-8', 'utf8', 'us-ascii'];

/**
 * Reads JSON bodies in UTF-8. An empty one counts as none, even where it is declared: many HTTP libraries declare one on a POST without a
 * body. Keys that would reach a prototype are dropped like any unknown field.
 */
export const jsonBodies = plugin(
  async (app) => {
    // Fastify reads text/plain by itself; it is 415 here.
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('remove', 'remove');
    app.addHook('preParsing', async (request) => refuseEncoded(request));
    app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      if (body.length === 0) return done(null, undefined);
      const text = decode(body);
      if (text === undefined) return done(invalid(400, 'The body must be UTF-8.'), undefined);
      void parse(request, text, done);
    });
    app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(body.length === 0 ? null : notJson(), undefined);
    });
  },
  { name: 'json-bodies' },
);

function refuseEncoded({ headers }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers;
  if (encoding.trim().toLowerCase() !== 'identity') throw invalid(415, 'The body must not have a content-encoding.');
  const [, charset = 'utf-8'] = CHARSET.exec(type) ?? [];
  if (!CHARSETS.includes(charset.toLowerCase())) throw invalid(415, 'The charset of the body must be utf-8.');
}

function decode(body: Buffer): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    // The decoder throws for nothing else.
    return undefined;
  }
}
