import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { z } from 'zod';
import { runGuarded } from './guarded-process.js';

export interface DownloadTemporalCliOptions {
  version: string;
  /** Where the binary goes. It appears there whole or not at all. */
  path: string;
  /** Default: where the Temporal SDKs download from. */
  url?: string;
  onProgress: (line: string) => void;
  signal?: AbortSignal;
}

/** A machine without internet must go on to the next way quickly. */
const LOOKUP_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

const archiveSchema = z.object({ archiveUrl: z.url(), fileToExtract: z.string().min(1) });

/**
 * Fetches the Temporal CLI from where the Temporal SDKs fetch it. Not through the SDK itself: its download runs inside the native runtime,
 * cannot be aborted, has no timeout, and would fix the runtime's options before the worker sets them.
 */
export async function downloadTemporalCli(options: DownloadTemporalCliOptions): Promise<void> {
  const { version, path, url = 'https://temporal.download/cli', onProgress, signal } = options;
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const query = `platform=${process.platform}&arch=${process.arch === 'x64' ? 'amd64' : process.arch}&format=tar.gz`;
    const archive = archiveSchema.parse(
      await (await get(`${url}/v${version}?${query}`, LOOKUP_TIMEOUT_MS, dispatcher, signal)).json(),
    );
    onProgress(`Downloading the Temporal CLI ${version}.`);
    await mkdir(dirname(path), { recursive: true });
    const folder = await mkdtemp(`${path}-download-`);
    try {
      const tarball = join(folder, 'archive.tar.gz');
      const response = await get(archive.archiveUrl, DOWNLOAD_TIMEOUT_MS, dispatcher, signal);
      if (!response.body) throw new Error(`${archive.archiveUrl} answered without a body`);
      await pipeline(Readable.fromWeb(response.body), createWriteStream(tarball));
      await extract(tarball, archive.fileToExtract, folder, signal);
      const binary = join(folder, archive.fileToExtract);
      await chmod(binary, 0o755);
      await rename(binary, path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    await dispatcher.destroy();
  }
}

async function get(url: string, timeoutMs: number, dispatcher: EnvHttpProxyAgent, signal?: AbortSignal) {
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    dispatcher,
    signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
  }).catch((error: Error) => {
    throw new Error(`${url} cannot be reached: ${error.cause instanceof Error ? error.cause.message : error.message}`);
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

async function extract(tarball: string, file: string, folder: string, signal?: AbortSignal): Promise<void> {
  const { code, output } = await runGuarded('tar', ['-xzf', tarball, '-C', folder, file], { signal });
  if (code !== 0) throw new Error(`tar could not extract ${file}: ${output.trim()}`);
}
