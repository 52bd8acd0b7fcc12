import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { compile, INSTALL_TIMEOUT_MS, projectWith, ROOT, run } from '../support/npm-project.js';
import { Receiver } from '../support/receiver.js';
import { freshTaskQueue } from '../support/temporal.js';

const NEEDED = [
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'dist/workflow-bundle.js',
  'dist/traced-workflow-bundle.js',
  'dist/worker/main.js',
  'dist/api/main.js',
];

/** Starts a worker with calls of its own, and delivers one: what a new user of the package writes first. */
const SCRIPT = `
import { PostcallClient } from 'postcall-webhooks';
import { createLogger, loadConfig } from 'postcall-webhooks/config';
import { openStore } from 'postcall-webhooks/store';
import { installRuntime, startWorker } from 'postcall-webhooks/worker';

const config = loadConfig(process.env);
const logger = createLogger(config);
await installRuntime(logger, config);
const store = await openStore({ dataDir: config.dataDir });
const callSource = { getCall: async (call_id: string) => ({ call_id, data: { call_id, summary: 'Wants a call back.' } }) };
const worker = await startWorker({ config, store, logger, callSource });
const client = await PostcallClient.connect({ taskQueue: config.taskQueue });
const batch = await client.create({ user_id: 'acme', call_ids: ['c-1'], webhook_url: process.argv[2] ?? '' });
console.log(JSON.stringify(await batch.result()));
await client.close();
await worker.stop();
await store.close();
`;

describe('the package', () => {
  let folder = '';
  let project = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postcall-package-'));
    // Without its script, which would build again below the feet of other tests.
    await run(ROOT, 'npm', ['pack', '--ignore-scripts', '--pack-destination', folder]);
    const [tarball = ''] = await readdir(folder);
    project = await projectWith(folder, join(folder, tarball));
    await writeFile(join(project, 'deliver.ts'), SCRIPT);
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const evaluate = (script: string) => run(project, process.execPath, ['--input-type=module', '--eval', script]);
  const installed = (path: string) => join(project, 'node_modules/postcall-webhooks', path);

  test('holds what is needed to run it, and neither sources nor the development stack', async () => {
    const files = await readdir(installed('.'), { recursive: true });
    expect(NEEDED.filter((file) => !files.includes(file))).toEqual([]);
    expect(files.filter((file) => /^(dist\/(dev|bench|test)|test)\//.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([]);
  });

  test('can be imported by every name that it exports', async () => {
    const { exports } = JSON.parse(await readFile(installed('package.json'), 'utf8')) as { exports: object };
    const names = Object.keys(exports).filter((name) => name !== './package.json' && name !== './workflows');
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const specifier = join('postcall-webhooks', name);
      const script = `console.log(Object.keys(await import('${specifier}')).length)`;
      const count = await evaluate(script);
      expect(Number(count), name).toBeGreaterThan(0);
    }
  });

  test('gives its workflows to a worker of your own', async () => {
    const script = `
      import { fileURLToPath } from 'node:url';
      import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
      const resolved = (name) => fileURLToPath(import.meta.resolve('postcall-webhooks/' + name));
      const { code } = await bundleWorkflowCode({
        workflowsPath: resolved('workflows'),
        payloadConverterPath: resolved('payload-converter'),
        logger: new DefaultLogger('WARN'),
      });
      console.log(code.includes('deliverWebhooks') && code.includes('Undecodable'));`;
    expect((await evaluate(script)).trim()).toBe('true');
  });

  test('installs a command line that runs', async () => {
    const help = await run(project, join(project, 'node_modules/.bin/postcall'), ['--help']);
    expect(help).toContain('Usage: postcall');
  });

  test('delivers a batch from a short typed script', async () => {
    await compile(project, 'deliver.ts');
    await using receiver = await Receiver.start();
    const output = await run(project, process.execPath, ['deliver.js', receiver.url], {
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_TASK_QUEUE: freshTaskQueue(),
      POSTCALL_DATA_DIR: join(project, 'data'),
      POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
    });
    expect(JSON.parse(output)).toMatchObject({ status: 'completed', total: 1, delivered: 1 });
    expect(receiver.requests.map((request) => request.json())).toEqual([
      { call_id: 'c-1', summary: 'Wants a call back.' },
    ]);
  });
});
