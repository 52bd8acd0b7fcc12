import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatchHandle, PostcallClient, ResendFailedHandle } from '../../client/index.js';
import { createRequestSchema, failedRequestSchema, resendFailedRequestSchema } from '../../contract/request.js';
import { ROOT, textOf } from '../support/documents.js';
import { freshUser, sharedTestStack } from '../support/stack.js';

const CLASSES = [
  { type: PostcallClient, file: 'client/postcall-client.ts' },
  { type: BatchHandle, file: 'client/batch-handle.ts' },
  { type: ResendFailedHandle, file: 'client/resend-failed-handle.ts' },
];

interface Example {
  /** `PostcallClient.create` */
  title: string;
  code: string;
}

/** The example in the docstring of each method and constructor. */
const EXAMPLES: Example[] = CLASSES.flatMap(({ type, file }) =>
  [...textOf(file).matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n +(?:static )?(?:async )?\*?(\w+)\(/g)].flatMap(
    ([, doc = '', method]) => {
      const [, block] = /@example\n +\* ```ts\n([\s\S]*?) +\* ```/.exec(doc) ?? [];
      return block === undefined ? [] : [{ title: `${type.name}.${method}`, code: block.replace(/^ +\* ?/gm, '') }];
    },
  ),
);
const CODE = EXAMPLES.map(({ code }) => code).join('\n');

/** What an example is run with. */
interface Given {
  postcall: PostcallClient;
  batch: BatchHandle;
}

const HEADER = `
import { Client, Connection } from '@temporalio/client';
import { type BatchHandle, PostcallClient } from 'postcall-webhooks';
interface Given { postcall: PostcallClient; batch: BatchHandle }
`;

/** Each example as a function of a module; the stack's own addresses take the place of those that it names. */
function moduleOf({ code }: Example, { address, url, user }: { address: string; url: string; user: string }): string {
  const adapted = code
    .replaceAll('temporal.internal:7233', address)
    .replaceAll('https://example.com/hooks/calls', url)
    .replaceAll("'acme'", `'${user}'`);
  const given = ['postcall', 'batch'].filter((name) => !new RegExp(`const ${name} =`).test(code));
  return `${HEADER}export async function example({ ${given.join(', ')} }: Given) {\n${adapted}\n}\n`;
}

describe('an example of the client', () => {
  const stack = sharedTestStack();
  const users = EXAMPLES.map(freshUser);
  let folder = '';

  /** Compiled against the built package, which is found by its own name as where it is installed. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postcall-test-'));
    const modules = join(folder, 'node_modules');
    await mkdir(modules);
    await symlink(ROOT, join(modules, 'postcall-webhooks'));
    for (const scope of ['@temporalio', '@types']) {
      await symlink(join(ROOT, 'node_modules', scope), join(modules, scope));
    }
    const files = await Promise.all(
      EXAMPLES.map(async (example, index) => {
        const address = stack().config.temporal.connectionOptions.address ?? '';
        const given = { address, url: stack().receiver.url, user: users[index] ?? '' };
        await writeFile(join(folder, `example-${index}.ts`), moduleOf(example, given));
        return `example-${index}.ts`;
      }),
    );
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      skipLibCheck: true,
      types: ['node'],
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(EXAMPLES.map(({ title }, index) => ({ title, index })))('of $title runs', async ({ index }) => {
    const user_id = users[index] ?? '';
    await stack().store.upsertCalls(
      ['c-17', 'c-18', 'c-19'].map((call_id) => ({ call_id, user_id, data: { call_id } })),
    );
    const postcall = new PostcallClient({ connection: stack().connection, taskQueue: stack().taskQueue });
    const batch = await postcall.create({ user_id, call_ids: ['c-19'], webhook_url: stack().receiver.url });
    const { example } = (await import(pathToFileURL(join(folder, `example-${index}.js`)).href)) as {
      example(given: Given): Promise<void>;
    };
    await example({ postcall, batch });
    await batch.resume();
    expect(await batch.result()).toMatchObject({ total: 1 });
    await postcall.close();
  });
});

test.each(CLASSES)('every method of $type.name has an example', ({ type }) => {
  const named = EXAMPLES.map(({ title }) => title);
  const methods = [...Object.getOwnPropertyNames(type.prototype), ...Object.getOwnPropertyNames(type)].filter(
    (name) => !['constructor', 'length', 'name', 'prototype'].includes(name),
  );
  expect(methods.filter((name) => !named.includes(`${type.name}.${name}`))).toEqual([]);
});

test('every option is in an example', () => {
  const requests = [createRequestSchema, failedRequestSchema, resendFailedRequestSchema];
  const batchOptions = createRequestSchema.shape.options.unwrap();
  const declared = [
    'client/postcall-client.ts',
    'client/connect.ts',
    'client/grouped-starts.ts',
    'client/batch-handle.ts',
  ]
    .map(textOf)
    .flatMap((text) => [...text.matchAll(/interface \w+Options[^{]*\{([\s\S]*?)\n\}/g)])
    .flatMap(([, body = '']) => [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name = '']) => name));
  expect(declared).toContain('max_calls');
  const options = [...declared, ...[...requests, batchOptions].flatMap(({ shape }) => Object.keys(shape))];
  expect(options.filter((name) => !new RegExp(`\\b${name}\\b`).test(CODE))).toEqual([]);
});
