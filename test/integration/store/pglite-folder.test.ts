import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { StoredWebhook } from '../../../contract/index.js';
import { openStore, type Store, StoreUnavailableError } from '../../../store/index.js';
import { copyEmptyDatabase } from '../../support/pglite-template.js';
import { mustOpen, openRequest, register } from '../../support/stores.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

// Opening an embedded database takes seconds of CPU, and these tests open several.
vi.setConfig({ testTimeout: 180_000 });

const SOCKET = '.s.PGSQL.5432';

/** A folder with a database without webhooks. */
async function databaseFolder(): Promise<string> {
  const dataDir = await temporaryFolder();
  await copyEmptyDatabase(dataDir);
  return dataDir;
}

async function open(dataDir: string): Promise<Store> {
  const store = await openStore({ dataDir });
  onTestFinished(() => store.close());
  return store;
}

/** Another process that writes to the folder; `printed` grows with what it has recorded. */
function folderUser(dataDir: string, prefix: string, count: number) {
  const file = fileURLToPath(new URL('./folder-user.mjs', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [file, dataDir, prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed: string[] = [];
  if (!child.stdout) throw new Error('the process has no output');
  createInterface(child.stdout).on('line', (line) => printed.push(line));
  return { child, printed, exited: once(child, 'exit') };
}

/** All that a process has delivered, a page at a time: its texts are large. */
async function delivered(store: Store, batch_id: string): Promise<StoredWebhook[]> {
  const query = { user_id: 'user', batch_id, status: 'delivered', limit: 1_000 } as const;
  const first = await store.listBatchWebhooks(query);
  const webhooks = [...first.webhooks];
  for (let cursor = first.next_cursor; cursor !== null; ) {
    const page = await store.listBatchWebhooks({ ...query, cursor });
    webhooks.push(...page.webhooks);
    cursor = page.next_cursor;
  }
  return webhooks;
}

const batchSize = async (store: Store, batch_id: string) => (await delivered(store, batch_id)).length;

test('what was recorded is there after closing and opening again', async () => {
  const dataDir = join(await temporaryFolder(), 'new', 'folder');
  const first = await openStore({ dataDir });
  const { ref } = await register(first);
  await mustOpen(first, openRequest(ref));
  await first.close();
  await expect(first.ping()).rejects.toThrow(StoreUnavailableError);
  const second = await open(dataDir);
  expect(await second.getWebhook(ref.user_id, ref.call_id)).toMatchObject({ status: 'pending' });
});

test('another process uses the folder at the same time, through the first one', async () => {
  const dataDir = await databaseFolder();
  const store = await open(dataDir);
  const users = [folderUser(dataDir, 'one', 30), folderUser(dataDir, 'two', 30)];
  for (let n = 0; n < 100; n += 1) {
    const { ref } = await register(store);
    await mustOpen(store, openRequest(ref));
  }
  expect(await Promise.all(users.map(({ exited }) => exited))).toEqual([
    [0, null],
    [0, null],
  ]);
  expect([await batchSize(store, 'one'), await batchSize(store, 'two')]).toEqual([30, 30]);
});

test('processes that start together agree on who holds the folder', async () => {
  const dataDir = await databaseFolder();
  const users = [1, 2, 3].map((n) => folderUser(dataDir, `p${n}`, 1));
  // The first holder has ended by now, and maybe before the others had connected to it.
  expect(await Promise.all(users.map(({ exited }) => exited))).toEqual(users.map(() => [0, null]));
  const store = await open(dataDir);
  expect(await Promise.all(['p1', 'p2', 'p3'].map((prefix) => batchSize(store, prefix)))).toEqual([1, 1, 1]);
});

test('what a killed process had recorded is intact, and its socket is no obstacle', async () => {
  const dataDir = await databaseFolder();
  const { child, printed, exited } = folderUser(dataDir, 'killed', 100_000);
  await expect.poll(() => printed.length, { timeout: 60_000 }).toBeGreaterThan(20);
  child.kill('SIGKILL');
  await exited;
  await access(join(dataDir, SOCKET));
  const store = await open(dataDir);
  const recorded = printed.slice(1);
  const webhooks = await delivered(store, 'killed');
  // One more may have been recorded and not yet printed.
  expect(webhooks.length).toBeOneOf([recorded.length, recorded.length + 1]);
  expect(webhooks.every(({ payload }) => payload === `{"text":"${'x'.repeat(200_000)}"}`)).toBe(true);
});

test('a folder with a path too long for a socket is served elsewhere', async () => {
  const dataDir = join(await temporaryFolder(), 'a'.repeat(120));
  await copyEmptyDatabase(dataDir);
  const [first, second] = [await open(dataDir), await open(dataDir)];
  const { ref } = await register(first);
  await mustOpen(first, openRequest(ref));
  expect(await second.getWebhook(ref.user_id, ref.call_id)).toBeDefined();
});

test('an error of SQL in another connection leaves everybody else alone', async () => {
  const dataDir = await databaseFolder();
  const store = await open(dataDir);
  const client = new pg.Client({ host: dataDir, user: 'postgres', database: 'postgres' });
  await client.connect();
  await expect(client.query('select $1::integer / 0', [1])).rejects.toMatchObject({ code: '22012' });
  await expect(client.query('begin')).rejects.toMatchObject({ code: '0A000' });
  await register(store);
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await client.end();
});

test('a crash of the embedded server is an error, and is over once its cause is', async () => {
  const dataDir = await databaseFolder();
  const store = await open(dataDir);
  const { ref } = await register(store);
  const wal = join(dataDir, 'pgdata', 'pg_wal');
  await rename(wal, `${wal}.away`);
  // Fills the segment that is open: the next one cannot be created.
  const fill = async () => {
    for (let n = 0; n < 100; n++) {
      const data = { text: randomBytes(300_000).toString('base64') };
      await store.upsertCalls([{ user_id: 'user', call_id: String(n), data }]);
    }
  };
  await expect(fill()).rejects.toThrow(StoreUnavailableError);
  await expect(store.ping()).rejects.toThrow(/embedded database/);
  await rename(`${wal}.away`, wal);
  await expect.poll(() => store.ping().then(() => 'up', String), { timeout: 60_000 }).toBe('up');
  expect(await store.getWebhook(ref.user_id, ref.call_id)).toBeDefined();
});

test('a folder that cannot be created is an error that names it', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(openStore({ dataDir: join(file, 'data') })).rejects.toThrow(file);
});
