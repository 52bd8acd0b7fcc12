import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { compile, INSTALL_TIMEOUT_MS, projectWith, ROOT, run } from '../support/npm-project.js';
import { freshUser, sharedTestStack } from '../support/stack.js';

const NAME = 'postcall-webhooks-client';
/** Of all that is installed with it. */
const LIMIT_BYTES = 60_000_000;

/** What a service writes first. */
const SCRIPT = `
import { PostcallClient } from '${NAME}';

const [taskQueue = '', user_id = '', call_id = '', webhook_url = ''] = process.argv.slice(2);
const client = await PostcallClient.connect({ taskQueue });
const batch = await client.create({ user_id, call_ids: [call_id], webhook_url });
console.log(JSON.stringify(await batch.result()));
await client.close();
`;

describe('the package of the client alone', () => {
  const stack = sharedTestStack();
  let folder = '';
  let project = '';
  /** Where a package finds nothing but its own dependencies. */
  let strict = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postcall-client-package-'));
    await run(ROOT, process.execPath, ['dist/dev/pack-client.js', folder]);
    const [tarball = ''] = await readdir(folder);
    project = await projectWith(folder, join(folder, tarball));
    strict = await projectWith(folder, join(folder, tarball), 'nested');
    for (const place of [project, strict]) await writeFile(join(place, 'deliver.ts'), SCRIPT);
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const codeOf = (place: string) => join(place, 'node_modules', NAME, 'dist');
  const filesOf = (place: string) => readdir(codeOf(place), { recursive: true });

  test('starts a batch from a typed script', async () => {
    await compile(project, 'deliver.ts');
    const user = freshUser();
    const [callId = ''] = await stack().addCalls(1, user);
    const args = ['deliver.js', stack().taskQueue, user, callId, stack().receiver.url];
    const output = await run(project, process.execPath, args, { TEMPORAL_ADDRESS: inject('temporalAddress') });
    expect(JSON.parse(output)).toMatchObject({ status: 'completed', total: 1, delivered: 1 });
    expect(stack().receiver.requestsOf(callId)).toHaveLength(1);
  });

  test('installs less than 60 MB', async () => {
    const entries = await readdir(join(project, 'node_modules'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeLessThan(LIMIT_BYTES);
    expect(bytes).toBeGreaterThan(1_000_000);
  });

  test('imports nothing that it does not declare', async () => {
    const modules = (await filesOf(strict)).filter((file) => file.endsWith('.js'));
    expect(modules.length).toBeGreaterThan(20);
    const urls = modules.map((file) => pathToFileURL(join(codeOf(strict), file)).href);
    const script = `for (const url of ${JSON.stringify(urls)}) await import(url);`;
    await run(strict, process.execPath, ['--input-type=module', '--eval', script]);
  });

  test('declares the packages of its types, and no package that it does not import', async () => {
    // The compiler complains of others' declarations, too.
    const complaints = await compile(strict, 'deliver.ts', { skipLibCheck: false }).catch(
      (error: Error) => error.message,
    );
    expect(complaints.split('\n').filter((line) => line.includes(`${NAME}/dist/`))).toEqual([]);
    const { dependencies } = JSON.parse(await readFile(join(strict, 'node_modules', NAME, 'package.json'), 'utf8'));
    const declarations = (await filesOf(strict)).filter((file) => /\.(js|d\.ts)$/.test(file));
    const texts = await Promise.all(declarations.map((file) => readFile(join(codeOf(strict), file), 'utf8')));
    const all = texts.join('\n');
    expect(Object.keys(dependencies).filter((name) => !all.includes(`'${name}`) && !all.includes(`"${name}`))).toEqual(
      [],
    );
  });

  test('leaves the command line, the store and the worker out', async () => {
    expect((await readdir(codeOf(project))).sort()).toEqual(['client', 'contract']);
    expect((await filesOf(project)).filter((file) => file.startsWith('client/cli'))).toEqual([]);
  });
});
