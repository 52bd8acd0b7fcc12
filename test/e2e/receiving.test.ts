import { execFile, spawnSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { blocksOf, ROOT, textOf } from '../support/documents.js';
import { Program } from '../support/program.js';
import { freshUser, sharedTestStack } from '../support/stack.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = promisify(execFile);
const [typescript = '', ...more] = blocksOf(textOf('docs/receiving.md'), 'ts');
const [python = ''] = blocksOf(textOf('docs/receiving.md'), 'python');
const [go = ''] = blocksOf(textOf('docs/receiving.md'), 'go');

/** A way to run a document's program: the command and its arguments. */
type Runner = (folder: string) => Promise<[command: string, args: string[]]>;

const runTypeScript: Runner = async (folder) => {
  await writeFile(join(folder, 'endpoint.ts'), typescript);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const options = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--skipLibCheck', '--strict'];
  await run(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'endpoint.ts'], { cwd: folder });
  return [process.execPath, [join(folder, 'endpoint.js')]];
};

const runPython: Runner = async (folder) => {
  await writeFile(join(folder, 'endpoint.py'), python);
  return ['python3', [join(folder, 'endpoint.py')]];
};

/** Built first: `go run` would leave the program behind when it is killed. */
const runGo: Runner = async (folder) => {
  await writeFile(join(folder, 'endpoint.go'), go);
  await run('go', ['vet', 'endpoint.go'], { cwd: folder });
  await run('go', ['build', '-o', 'endpoint', 'endpoint.go'], { cwd: folder });
  return [join(folder, 'endpoint'), []];
};

const isInstalled = (command: string, arg: string): boolean => spawnSync(command, [arg]).status === 0;

const LANGUAGES = [
  { language: 'TypeScript', runner: runTypeScript, installed: true },
  { language: 'Python', runner: runPython, installed: isInstalled('python3', '--version') },
  { language: 'Go', runner: runGo, installed: isInstalled('go', 'version') },
];

describe('an endpoint of the documents', () => {
  const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });

  /** Sends a call of a user to the endpoint; resolves after the first attempt with the webhook and what was called. */
  async function deliver(user_id: string, webhook_url: string) {
    const [call_id = ''] = await stack().addCalls(1, user_id);
    await stack().client.create({ user_id, call_ids: [call_id], webhook_url });
    const find = () => stack().store.getWebhook(user_id, call_id);
    await expect.poll(async () => (await find())?.metadata.length).toBe(1);
    await expect.poll(async () => (await find())?.status).not.toBe('pending');
    return { call_id, webhook: await find() };
  }

  describe.each(LANGUAGES)('in $language', ({ runner, installed }) => {
    test.skipIf(!installed)("takes what its user's secret signed, and nothing else", async () => {
      const [command, args] = await runner(await temporaryFolder());
      const user = freshUser();
      const { secret } = await stack().store.createSigningSecret(user);
      // A second, newer one: the header then holds two signatures.
      await stack().store.createSigningSecret(user);
      const port = await freePort();
      const url = `http://127.0.0.1:${port}/`;
      const endpoint = Program.spawn(command, args, { WEBHOOK_SECRET: secret, PORT: String(port) });
      const answers = () => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status);
      // Unsigned.
      await expect.poll(() => answers().catch(() => 0)).toBe(401);

      const taken = await deliver(user, url);
      expect(taken.webhook?.status).toBe('delivered');
      await endpoint.printed(taken.call_id);
      expect(endpoint.output).toMatch(/^msg_/m);

      const stranger = freshUser();
      await stack().store.createSigningSecret(stranger);
      const refused = await deliver(stranger, url);
      expect(refused.webhook?.metadata).toMatchObject([{ response_code: 401 }]);
      expect(endpoint.output).not.toContain(refused.call_id);
    });
  });
});

test('the README shows the endpoint in TypeScript as its own page does', () => {
  expect(more).toEqual([]);
  expect(blocksOf(textOf('README.md'), 'ts')).toContain(typescript);
});
