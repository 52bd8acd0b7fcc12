import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { migrateStore, openStore, StoreUnavailableError } from '../../../store/index.js';
import { type LossyProxy, startLossyProxy } from '../../support/lossy-proxy.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { register } from '../../support/stores.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.remove());

/** A database whose schema is there, and a way to it. */
async function behindProxy(): Promise<{ databaseUrl: string; proxy: LossyProxy }> {
  const url = new URL(await server.createDatabase());
  await migrateStore({ databaseUrl: url.href });
  const proxy = await startLossyProxy(url.host);
  url.host = proxy.address;
  return { databaseUrl: url.href, proxy };
}

/** Time limits of ten seconds and more pass a hundred times faster. */
function shortenTimeLimits(): void {
  const { setTimeout } = globalThis;
  const shortened = (work: () => void, ms = 0, ...args: []) => setTimeout(work, ms >= 10_000 ? ms / 100 : ms, ...args);
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(shortened as typeof setTimeout);
  onTestFinished(() => spy.mockRestore());
}

describe('a database that goes silent on open connections is unavailable', () => {
  test('to all that is under way and waits for a connection, and works again on new ones', async () => {
    const { databaseUrl, proxy } = await behindProxy();
    const store = await openStore({ databaseUrl: `${databaseUrl}?query_timeout=500`, maxConnections: 3 });
    onTestFinished(() => store.close());
    await Promise.all(Array.from({ length: 10 }, () => register(store)));

    proxy.loseAnswers();
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => register(store)));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) });
    }

    // In the middle of statements again, so that none of the pool's connections is as good as new.
    const late = Promise.allSettled(Array.from({ length: 3 }, () => register(store)));
    proxy.admitNew();
    await late;
    await Promise.all(Array.from({ length: 30 }, () => register(store)));
  });

  test.each(['to_regclass', 'created_at', 'has_table_privilege', 'current_setting'])(
    'to a process that starts, at "%s"',
    async (text) => {
      const { databaseUrl, proxy } = await behindProxy();
      proxy.loseAnswers(text);
      shortenTimeLimits();
      await expect(openStore({ databaseUrl })).rejects.toThrow(StoreUnavailableError);
    },
  );
});
