import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { runGuarded } from './guarded-process.js';

export interface BuildTemporalCliOptions {
  version: string;
  /** Where the binary goes. It appears there whole or not at all. */
  path: string;
  /** Folders to look for `go` in, as in PATH. */
  searchPath: string;
  onProgress: (line: string) => void;
  signal?: AbortSignal;
}

const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';
const VERSION_VARIABLE = 'github.com/temporalio/cli/temporalcli.Version';

/** Builds the Temporal CLI with `go install`; about three minutes on two cores. */
export async function buildTemporalCli(options: BuildTemporalCliOptions): Promise<void> {
  const { version, path, searchPath, onProgress, signal } = options;
  const go = searchPath
    .split(delimiter)
    .map((folder) => join(folder, 'go'))
    .find((candidate) => existsSync(candidate));
  if (!go) throw new Error('Go is not installed (no `go` on PATH)');

  onProgress(`Building the Temporal CLI ${version} with Go: about three minutes, this once.`);
  await mkdir(dirname(path), { recursive: true });
  const bin = await mkdtemp(`${path}-build-`);
  try {
    const linkerFlags = `-s -w -X ${VERSION_VARIABLE}=${version}`;
    const { code, output } = await runGuarded(
      go,
      ['install', '-trimpath', '-ldflags', linkerFlags, `${GO_PACKAGE}@v${version}`],
      { env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' }, signal },
    );
    if (code !== 0) throw new Error(`go install failed: ${output.trim().split('\n').slice(-3).join(' | ')}`);
    await rename(join(bin, 'temporal'), path);
  } finally {
    await rm(bin, { recursive: true, force: true });
  }
}
