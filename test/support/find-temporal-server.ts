import { existsSync } from 'node:fs';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { type GoOptions, makeWhole, runGo } from '../../dev/go.js';

/** The release that the embedded dev server and the tests have, too. */
const TEMPORAL_SERVER_VERSION = '1.29.1';
const PACKAGES = ['go.temporal.io/server/cmd/server', 'go.temporal.io/server/cmd/tools/sql'];

/** Programs of a Temporal server that stores in PostgreSQL. */
export interface TemporalServerPrograms {
  server: string;
  /** Sets up and updates its schema. */
  sql: string;
}

/**
 * The server's programs from the user's cache folder, where they are built with Go when they are missing: about five minutes on two
 * cores. Rejects where there is no Go.
 */
export async function findTemporalServer(
  onProgress: (line: string) => void,
  options: Pick<GoOptions, 'signal' | 'background'> = {},
): Promise<TemporalServerPrograms> {
  const folder = join(
    envPaths('postcall-webhooks', { suffix: '' }).cache,
    `temporal-server-${TEMPORAL_SERVER_VERSION}`,
  );
  if (!existsSync(folder)) {
    onProgress(`Building the Temporal server ${TEMPORAL_SERVER_VERSION} with Go: about five minutes, this once.`);
    const versioned = PACKAGES.map((name) => `${name}@v${TEMPORAL_SERVER_VERSION}`);
    await makeWhole(folder, (bin) =>
      runGo(['install', '-trimpath', '-ldflags', '-s -w', ...versioned], { ...options, env: { GOBIN: bin } }),
    );
  }
  return { server: join(folder, 'server'), sql: join(folder, 'sql') };
}
