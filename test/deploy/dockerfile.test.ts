import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { type GuardedProcess, spawnGuarded } from '../../dev/guarded-process.js';
import { openStore } from '../../store/index.js';
import { hadolint, mustRun } from '../support/deploy-tools.js';
import { type BuiltStage, buildInFolders } from '../support/dockerfile.js';
import { ROOT } from '../support/documents.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { INSTALL_TIMEOUT_MS, run } from '../support/npm-project.js';
import { Receiver } from '../support/receiver.js';
import { freshTaskQueue } from '../support/temporal.js';

/** Installs the dependencies twice, from the package registry where nothing is cached. */
const BUILD_TIMEOUT_MS = 900_000;
const DOCKERFILE = join(ROOT, 'deploy/docker/Dockerfile');
const USER = 'acme';
const KEY = 'a-key-of-sixteen-or-more';
/** Root may be somebody else: Debian's `nobody`. */
const builder = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

test(
  'the Dockerfile has nothing that its linter complains of',
  async () => {
    expect(await mustRun(await hadolint(), [DOCKERFILE])).toBe('');
  },
  INSTALL_TIMEOUT_MS,
);

describe("the Dockerfile's steps, executed in an empty folder by a user without rights", () => {
  const postgres = sharedPostgres();
  let folder = '';
  let image: BuiltStage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postcall-image-'));
    const cache = join(folder, 'cache');
    await mkdir(cache);
    // What this machine has downloaded need not be downloaded again.
    const own = join((await run(ROOT, 'npm', ['config', 'get', 'cache'])).trim(), '_cacache');
    if (builder && existsSync(own)) await cp(own, join(cache, '_cacache'), { recursive: true });
    if (builder) await run(folder, 'chown', ['-R', `${builder.uid}:${builder.gid}`, folder]);
    image = await buildInFolders({
      dockerfile: DOCKERFILE,
      context: ROOT,
      folder,
      user: builder,
      environment: { HOME: folder, npm_config_cache: cache, npm_config_prefer_offline: 'true' },
    });
    // Others may look into it, as the image's own user may.
    await run(folder, 'chmod', ['755', folder]);
  }, BUILD_TIMEOUT_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('leave what runs, and nothing that only builds or tests', async () => {
    expect((await readdir(image.workdir)).sort()).toEqual([
      'LICENSE',
      'dist',
      'healthcheck.mjs',
      'node_modules',
      'package.json',
      'store',
    ]);
    const modules = join(image.workdir, 'node_modules');
    expect(['vitest', 'typescript', '@biomejs'].filter((name) => existsSync(join(modules, name)))).toEqual([]);
    expect(['dev', 'bench', 'test'].filter((room) => existsSync(join(image.workdir, 'dist', room)))).toEqual([]);
    const platforms = await readdir(join(modules, '@temporalio/core-bridge/releases'));
    expect(platforms).toEqual([expect.stringContaining('linux-gnu')]);
  });

  test('leave a worker and an API that deliver a webhook, say that they are well, and stop when told to', async () => {
    await using receiver = await Receiver.start();
    const databaseUrl = await postgres().createDatabase();
    const store = await openStore({ databaseUrl });
    await store.upsertCalls([{ call_id: 'c-1', user_id: USER, data: { call_id: 'c-1', summary: 'Calls back.' } }]);
    await store.close();
    const environment = {
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      DATABASE_URL: databaseUrl,
      POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
      POSTCALL_API_KEYS: `${USER}:${KEY}`,
      POSTCALL_METRICS_PORT: String(await freePort()),
      PORT: String(await freePort()),
    };
    const apiOnly = { ...environment, POSTCALL_METRICS_PORT: '' };
    const workerOnly = { ...environment, PORT: String(await freePort()) };
    expect(await start(image.healthcheck, environment).exited).toMatchObject({ code: 1 });

    const worker = start(image.command, workerOnly);
    const api = start(['node', 'dist/api/main.js'], apiOnly);
    await expect.poll(() => start(image.healthcheck, workerOnly).exited).toMatchObject({ code: 0 });
    await expect.poll(() => start(image.healthcheck, apiOnly).exited).toMatchObject({ code: 0 });

    const response = await fetch(`http://127.0.0.1:${environment.PORT}/v1/postcall/webhooks/create`, {
      method: 'POST',
      headers: { authorization: KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ call_ids: ['c-1'], webhook_url: receiver.url }),
    });
    expect(response.status, await response.text()).toBe(200);
    expect(receiver.requestsOf('c-1')).toHaveLength(1);

    for (const program of [api, worker]) {
      program.signal('SIGTERM');
      expect(await program.exited).toEqual({ code: 0, signal: null });
    }
  });

  /** As a container starts it: with the image's variables, by the image's user, who owns nothing. */
  function start([command = '', ...args]: string[], environment: Record<string, string>): GuardedProcess {
    const who = builder ? ['setpriv', `--reuid=${image.user}`, `--regid=${image.user}`, '--clear-groups', '--'] : [];
    const [program = '', ...rest] = [...who, command, ...args];
    const { PATH = '' } = process.env;
    const started = spawnGuarded(program, rest, {
      cwd: image.workdir,
      env: { PATH, HOME: '/', ...image.environment, ...environment },
    });
    onTestFinished(async () => {
      started.signal('SIGKILL');
      await started.exited;
    });
    return started;
  }
});
