import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runGo } from './go.js';

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
  onProgress(`Building the Temporal CLI ${version} with Go: about three minutes, this once.`);
  await mkdir(dirname(path), { recursive: true });
  const bin = await mkdtemp(`${path}-build-`);
  try {
    const linkerFlags = `-s -w -X ${VERSION_VARIABLE}=${version}`;
    const args = ['install', '-trimpath', '-ldflags', linkerFlags, `${GO_PACKAGE}@v${version}`];
    await runGo(args, { searchPath, env: { GOBIN: bin }, signal });
    await rename(join(bin, 'temporal'), path);
  } finally {
    await rm(bin, { recursive: true, force: true });
  }
}
