import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { runGuarded } from './guarded-process.js';

export interface GoOptions {
  /** Folders to look for `go` in, as in PATH. Default: the environment's PATH. */
  searchPath?: string | undefined;
  cwd?: string;
  env?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Runs `go`, without C. Rejects when there is no Go, or with the last lines that it printed. */
export async function runGo(args: string[], { searchPath, cwd, env, signal }: GoOptions = {}): Promise<void> {
  const go = (searchPath ?? process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'go'))
    .find((candidate) => existsSync(candidate));
  if (!go) throw new Error('Go is not installed (no `go` on PATH)');
  const { code, output } = await runGuarded(go, args, {
    env: { ...process.env, CGO_ENABLED: '0', ...env },
    ...(cwd !== undefined && { cwd }),
    signal,
  });
  if (code !== 0) throw new Error(`go ${args[0]} failed: ${output.trim().split('\n').slice(-3).join(' | ')}`);
}

/** Makes a folder whole or not at all: `fill` gets a temporary one, which takes the path's place when it is done. */
export async function makeWhole(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const folder = await mkdtemp(join(dirname(path), `${basename(path)}-build-`));
  try {
    await fill(folder);
    await rename(folder, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
