import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { Output } from '../../client/cli/output.js';
import { buildProgram } from '../../client/cli/program.js';
import { Session } from '../../client/cli/session.js';
import { loadConfig } from '../../config/index.js';
import { sharedApi } from '../support/api.js';
import { blocksOf, codeIn, DOCUMENTS, MANIFEST, ROOT, textOf } from '../support/documents.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ALL = DOCUMENTS.map(textOf).join('\n');
describe('the commands', () => {
  test('run programs that are built', () => {
    const programs = [...ALL.matchAll(/node (dist\/[\w/-]+\.js)/g)].map(([, path = '']) => path);
    expect(programs.length).toBeGreaterThan(0);
    expect(programs.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  const commandLines = [...blocksOf(ALL, 'sh').flatMap((block) => block.split('\n')), ...codeIn(ALL)].filter((line) =>
    /^(npx )?postcall [a-z]/.test(line),
  );

  test.each([...new Set(commandLines)])('%s', (line) => {
    const words = line.replace(/^npx /, '').split(/\s+/).slice(1);
    const streams = { stdout: process.stdout, stderr: process.stderr };
    const program = buildProgram(new Session(loadConfig({}), new Output(streams, false), process.stdin));
    let command: Command = program;
    while (words[0] !== undefined && command.commands.length > 0) {
      const next = command.commands.find((candidate) => candidate.name() === words[0]);
      // `npx postcall keys` names the whole group.
      expect(next, `${command.name()} ${words[0]}`).toBeDefined();
      command = next as Command;
      words.shift();
    }
    const known = [...command.options, ...program.options].map(({ long }) => long);
    expect(words.filter((word) => word.startsWith('--') && !known.includes(word))).toEqual([]);
  });
});

describe('the requests', () => {
  const api = sharedApi({ worker: false });

  test('are those that the API documents', async () => {
    const document = (await (await fetch(`${api().url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = [...textOf('docs/http-api.md').matchAll(/^- (`(?:GET|POST) [^:]*):/gm)]
      .flatMap(([, entry = '']) => requestsIn(codeIn(entry)))
      // Served for people and machines, and not described.
      .filter((request) => !/ \/(metrics|openapi\.json|docs)$/.test(request));
    expect(named.sort()).toEqual(documented.sort());
  });

  /** `POST /a/pause`, `/resume`: what has no method of its own has that of the one before, and its folder. */
  function requestsIn(codes: string[]): string[] {
    let method = '';
    let folder = '';
    return codes.map((code) => {
      const [, ownMethod, path = ''] = /^(?:(GET|POST) )?(\/.*)$/.exec(code) ?? [];
      if (ownMethod === undefined) return `${method} ${folder}${path}`;
      method = ownMethod;
      folder = path.slice(0, path.lastIndexOf('/'));
      return `${method} ${path}`;
    });
  }
});

describe('the TypeScript', () => {
  /** The package's own names, as they resolve for those who have installed it. */
  const paths = Object.fromEntries(
    Object.entries(MANIFEST.exports).flatMap(([name, target]) =>
      typeof target === 'string' ? [] : [[join('postcall-webhooks', name), [join(ROOT, target.types)]]],
    ),
  );

  test('compiles against the built package', async () => {
    const blocks = blocksOf(ALL, 'ts');
    expect(blocks.length).toBeGreaterThan(2);
    const folder = await temporaryFolder();
    const files = await Promise.all(
      blocks.map(async (block, index) => {
        await writeFile(join(folder, `block-${index}.ts`), block);
        return `block-${index}.ts`;
      }),
    );
    const compilerOptions = {
      module: 'nodenext',
      moduleDetection: 'force',
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      paths,
    };
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const run = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
    const problems = await run.then(
      () => '',
      (error: { stdout?: string; message: string }) => error.stdout || error.message,
    );
    expect(problems).toBe('');
  });
});
