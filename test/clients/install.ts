import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';
import type { TestProject } from 'vitest/node';
import { run } from './run.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with `node_modules` and `venv`, as the lockfiles say. */
    clientTools: string;
  }
}

const FILES = ['package.json', 'package-lock.json', 'requirements.txt'];
const here = (file: string) => fileURLToPath(new URL(`tools/${file}`, import.meta.url));

/** Installs what the lockfiles name, once for each state of theirs, outside of the repository. */
export default async function setup(project: TestProject): Promise<void> {
  const folder = join(envPaths('postcall-webhooks', { suffix: '' }).cache, `client-tools-${await versionOfTools()}`);
  const marker = join(folder, 'installed');
  if (!existsSync(marker)) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const file of FILES) await copyFile(here(file), join(folder, file));
    await Promise.all([
      run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder }),
      installPython(folder),
    ]);
    await writeFile(marker, '');
  }
  project.provide('clientTools', folder);
}

async function installPython(folder: string): Promise<void> {
  await run('python3', ['-m', 'venv', 'venv'], { cwd: folder });
  await run('venv/bin/pip', ['install', '--quiet', '--no-deps', '--requirement', 'requirements.txt'], { cwd: folder });
}

async function versionOfTools(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  hash.update(await run('python3', ['--version']));
  for (const file of FILES) hash.update(await readFile(here(file)));
  return hash.digest('hex').slice(0, 12);
}
