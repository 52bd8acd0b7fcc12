import plugin from 'fastify-plugin';

/**
 * Reads JSON bodies. An empty one counts as none, since many HTTP libraries declare JSON on a POST without a body; keys that would
 * reach a prototype are dropped like any unknown field.
 */
export const jsonBodies = plugin(
  async (app) => {
    // Fastify reads text/plain by itself; it is 415 here.
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('remove', 'remove');
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body.length === 0) done(null, undefined);
      else void parse(request, body, done);
    });
  },
  { name: 'json-bodies' },
);
