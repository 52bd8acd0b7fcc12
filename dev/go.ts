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
  /** Lets everything else on this machine go first. Default false. */
  background?: boolean | undefined;
}

/** The niceness of a process counts within its session where Linux shares the processor out among sessions (sched(7), autogroup). */
const IN_BACKGROUND = '{ echo 19 >/proc/self/autogroup; } 2>/dev/null; exec nice -n 19 "$@"';

/** Runs `go`, without C. Rejects when there is no Go, or with the last lines that it printed. */
export async function runGo(args: string[], options: GoOptions = {}): Promise<void> {
  const { searchPath, cwd, env, signal, background = false } = options;
  const go = (searchPath ?? process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'go'))
    .find((candidate) => existsSync(candidate));
  if (!go) throw new Error('Go is not installed (no `go` on PATH)');
  const [program = go, ...rest] = [...(background ? ['sh', '-c', IN_BACKGROUND, 'background'] : []), go, ...args];
  const { code, output } = await runGuarded(program, rest, {
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
