import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { send, sharedApi } from '../support/api.js';
import { answer, inTurn } from '../support/behaviours.js';
import { run } from './run.js';

const tools = inject('clientTools');
const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h' } });
/** With the programs, the document and what is made of it; below the tools, so that Node.js finds their packages. */
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tools, 'run-'));
  await cp(fileURLToPath(new URL('programs', import.meta.url)), folder, { recursive: true });
  await writeFile(join(folder, 'openapi.json'), (await send(`${api().url}/openapi.json`)).text);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'commonjs' }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const inFolder = (program: string, args: string[], env = {}) => run(program, args, { cwd: folder, tools, env });

/** Runs a program for a call whose first attempt fails and whose retry succeeds. */
async function seenBy(program: string, args: string[]): Promise<unknown> {
  const { stack, url, newUser } = api();
  const user = await newUser();
  const [callId = ''] = await stack.addCalls(1, user.userId);
  stack.receiver.behaviour = inTurn(answer(404), answer(200));
  const env = { API_URL: url, API_KEY: user.key, CALL_ID: callId, WEBHOOK_URL: stack.receiver.url };
  const seen = JSON.parse(await inFolder(program, args, env));
  expect(seen.listed).toEqual([callId]);
  return seen;
}

const EVERYTHING = {
  created: 'retrying',
  attempts: [404],
  retried: 1,
  delivered: [404, 200],
  missing: 'NOT_FOUND',
};

describe('a client that a generator makes of the OpenAPI document has the right types, and works', () => {
  test('openapi-typescript and @hey-api/openapi-ts', async () => {
    await inFolder('openapi-typescript', ['openapi.json', '--output', 'schema.d.ts']);
    await inFolder('openapi-ts', ['--input', 'openapi.json', '--output', 'hey-api-client']);
    await inFolder('tsc', ['--project', 'tsconfig.json']);
    expect(await seenBy('node', ['out/openapi-fetch.js'])).toMatchObject(EVERYTHING);
    expect(await seenBy('node', ['out/hey-api.js'])).toMatchObject(EVERYTHING);
  });

  test('openapi-python-client', async () => {
    const output = ['--output-path', 'postcall_client', '--meta', 'none', '--fail-on-warning'];
    await inFolder('openapi-python-client', ['generate', '--path', 'openapi.json', ...output]);
    await inFolder('mypy', ['--config-file', 'mypy.ini', 'python_client.py', 'postcall_client']);
    expect(await seenBy('python3', ['python_client.py'])).toMatchObject(EVERYTHING);
  });
});

describe('a linter finds nothing in the OpenAPI document', () => {
  const config = (file: string) => fileURLToPath(new URL(file, import.meta.url));

  test('redocly, recommended', async () => {
    const args = ['lint', '--config', config('redocly.yaml'), '--format', 'json', 'openapi.json'];
    expect(JSON.parse(await inFolder('redocly', args)).totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
  });

  test('spectral, spectral:oas', async () => {
    const args = ['lint', '--ruleset', config('spectral.yaml'), '--format', 'json', '--fail-severity', 'hint'];
    expect(JSON.parse(await inFolder('spectral', [...args, '--quiet', 'openapi.json']))).toEqual([]);
  });
});
