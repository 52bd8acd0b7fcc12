import plugin from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** True from `drain()` on: no new traffic is wanted, and `/readyz` says so. */
    draining: boolean;
    /** Turns `/readyz` to 503, while requests go on being answered. `close()` does it too. */
    drain(): void;
  }
}

/** A shutdown that loses no answer: what waits is cut short by `endWaits`, and every connection is closed after its answer. */
export const gracefulEnd = plugin<{ endWaits: () => void }>(
  async (app, { endWaits }) => {
    app.decorate('draining', false);
    app.decorate('drain', () => {
      app.draining = true;
    });
    app.addHook('preClose', async () => {
      app.drain();
      endWaits();
    });
    // A kept-alive connection would hold the shutdown up until it times out.
    app.addHook('onSend', async (_request, reply) => {
      if (app.draining) reply.header('connection', 'close');
    });
  },
  { name: 'graceful-end' },
);
