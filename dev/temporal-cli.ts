import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { messageOf } from '../contract/message-of.js';
import { buildTemporalCli } from './build-temporal-cli.js';
import { downloadTemporalCli } from './download-temporal-cli.js';
import { runGuarded } from './guarded-process.js';
import { StackError } from './stack-error.js';

/** The release that is fetched or built when no Temporal CLI is at hand; its dev server is 1.29.1. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

export interface FindTemporalCliOptions {
  /** A `temporal` binary to use; nothing else is tried. */
  cliPath?: string | undefined;
  /** Folders to look in, as in PATH. Default: the environment's PATH. */
  searchPath?: string | undefined;
  /** Where binaries are kept between runs. Default: the user's cache folder. */
  cacheDir?: string;
  /** Where the SDKs download from. */
  downloadUrl?: string;
  /** Told what takes long. */
  onProgress?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * The path of a working Temporal CLI, the first that there is: `cliPath`, one on PATH, one that an earlier run cached, the
 * SDKs' download, one built with Go.
 * @throws {StackError} `TEMPORAL_CLI_MISSING`, which says what was tried and why it did not work.
 */
export async function findTemporalCli(options: FindTemporalCliOptions = {}): Promise<string> {
  const { cliPath, searchPath = process.env.PATH ?? '', onProgress = () => undefined, signal } = options;
  if (cliPath) {
    const problem = await problemWith(cliPath, signal);
    if (problem) throw new StackError('TEMPORAL_CLI_MISSING', `TEMPORAL_CLI_PATH does not work: ${problem}`);
    return cliPath;
  }

  const cached = cachedPath(options.cacheDir);
  const tried: string[] = [];
  for (const path of [...onPath(searchPath), cached].filter((candidate) => existsSync(candidate))) {
    const problem = await problemWith(path, signal);
    if (!problem) return path;
    tried.push(problem);
  }

  const target = { version: TEMPORAL_CLI_VERSION, path: cached, onProgress, ...(signal ? { signal } : {}) };
  for (const provide of [
    () => downloadTemporalCli({ ...target, ...(options.downloadUrl ? { url: options.downloadUrl } : {}) }),
    () => buildTemporalCli({ ...target, searchPath }),
  ]) {
    try {
      await provide();
      const problem = await problemWith(cached, signal);
      if (!problem) return cached;
      tried.push(problem);
    } catch (error) {
      signal?.throwIfAborted();
      tried.push(messageOf(error));
    }
  }
  throw missing(tried, cached);
}

const onPath = (searchPath: string): string[] =>
  searchPath
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(folder, 'temporal'));

const cachedPath = (cacheDir = envPaths('postcall-webhooks', { suffix: '' }).cache): string =>
  join(cacheDir, `temporal-cli-${TEMPORAL_CLI_VERSION}`, 'temporal');

/** What is wrong with a candidate; undefined when it is a Temporal CLI that runs here. */
async function problemWith(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const { code, output } = await runGuarded(path, ['--version'], { timeoutMs: 10_000, signal });
  if (code === 0 && output.startsWith('temporal version')) return undefined;
  const answer = output.trim().split('\n').at(-1) || 'nothing';
  return `${path} --version should print "temporal version ..." but ended with ${code ?? 'a signal'} and printed: ${answer}`;
}

const missing = (tried: string[], cached: string): StackError =>
  new StackError(
    'TEMPORAL_CLI_MISSING',
    [
      'No Temporal CLI was found for the embedded dev server. Looked for, in this order:',
      '  1. TEMPORAL_CLI_PATH, which is not set',
      '  2. `temporal` on PATH',
      `  3. ${cached}, from an earlier run`,
      `  4. the download that the Temporal SDKs use, temporal.download`,
      `  5. go install github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}`,
      ...tried.map((problem) => `  - ${problem}`),
      'Install the Temporal CLI (https://docs.temporal.io/cli) or Go, or set TEMPORAL_ADDRESS to use a running Temporal server.',
    ].join('\n'),
  );
