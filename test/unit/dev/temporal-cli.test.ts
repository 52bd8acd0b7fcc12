import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runGuarded } from '../../../dev/guarded-process.js';
import { findTemporalCli, TEMPORAL_CLI_VERSION } from '../../../dev/temporal-cli.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const WORKING = '#!/bin/sh\necho "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"\n';
const BROKEN = '#!/bin/sh\necho "cannot execute" >&2\nexit 2\n';

async function script(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A machine with nothing on it: no PATH, no cache, no download. */
async function bareMachine() {
  const folder = await temporaryFolder();
  const downloadUrl = await listen((_request, response) => void response.writeHead(404).end());
  const cacheDir = join(folder, 'cache');
  const bin = join(folder, 'bin');
  return {
    folder,
    bin,
    cached: join(cacheDir, `temporal-cli-${TEMPORAL_CLI_VERSION}`, 'temporal'),
    options: { searchPath: bin, cacheDir, downloadUrl },
  };
}

describe('findTemporalCli', () => {
  test('uses the configured binary before any other', async () => {
    const { folder, bin, options } = await bareMachine();
    await script(join(bin, 'temporal'), WORKING);
    const cliPath = await script(join(folder, 'mine', 'temporal'), WORKING);
    expect(await findTemporalCli({ ...options, cliPath })).toBe(cliPath);
  });

  test('refuses a configured binary that does not work, whatever else there is', async () => {
    const { folder, bin, options } = await bareMachine();
    await script(join(bin, 'temporal'), WORKING);
    const cliPath = await script(join(folder, 'mine', 'temporal'), BROKEN);
    await expect(findTemporalCli({ ...options, cliPath })).rejects.toMatchObject({
      code: 'TEMPORAL_CLI_MISSING',
      message: expect.stringMatching(/TEMPORAL_CLI_PATH.*mine\/temporal.*cannot execute/),
    });
  });

  test('prefers PATH to the cache', async () => {
    const { bin, cached, options } = await bareMachine();
    await script(cached, WORKING);
    const onPath = await script(join(bin, 'temporal'), WORKING);
    expect(await findTemporalCli(options)).toBe(onPath);
  });

  test('passes over a broken binary on PATH', async () => {
    const { bin, cached, options } = await bareMachine();
    await script(join(bin, 'temporal'), BROKEN);
    await script(cached, WORKING);
    expect(await findTemporalCli(options)).toBe(cached);
  });

  test('downloads the pinned release into the cache, as the SDKs do', async () => {
    const { folder, cached, options } = await bareMachine();
    const archive = join(folder, 'temporal.tar.gz');
    await script(join(folder, 'archive', 'temporal'), WORKING);
    await runGuarded('tar', ['-czf', archive, '-C', join(folder, 'archive'), 'temporal']);
    const asked: string[] = [];
    const downloadUrl = await listen(async (request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.startsWith('/archive')) response.end(await readFile(archive));
      else
        response.end(
          JSON.stringify({ archiveUrl: `http://${request.headers.host}/archive`, fileToExtract: 'temporal' }),
        );
    });

    expect(
      await findTemporalCli({ ...options, searchPath: process.env.PATH, downloadUrl, cacheDir: join(folder, 'cache') }),
    ).toBe(cached);
    expect(asked[0]).toMatch(new RegExp(`^/v${TEMPORAL_CLI_VERSION}\\?platform=\\w+&arch=\\w+&format=tar.gz$`));
    expect(await readdir(dirname(cached))).toEqual(['temporal']);
  });

  test('builds the pinned release with Go, and leaves nothing else behind', async () => {
    const { bin, cached, options } = await bareMachine();
    await script(
      join(bin, 'go'),
      `#!/bin/sh\nprintf '%s' '${WORKING}' > "$GOBIN/temporal"\n/bin/chmod +x "$GOBIN/temporal"\n/bin/echo "$@" > ${bin}/arguments\n`,
    );
    const progress: string[] = [];
    expect(await findTemporalCli({ ...options, onProgress: (line) => progress.push(line) })).toBe(cached);
    expect(await readFile(join(bin, 'arguments'), 'utf8')).toContain(`install`);
    expect(await readFile(join(bin, 'arguments'), 'utf8')).toContain(`cmd/temporal@v${TEMPORAL_CLI_VERSION}`);
    expect(progress).toEqual([expect.stringContaining('about three minutes')]);
    expect(await readdir(dirname(cached))).toEqual(['temporal']);
  });

  test('names everything it tried, and why it did not work', async () => {
    const { bin, cached, options } = await bareMachine();
    await script(join(bin, 'temporal'), BROKEN);
    await script(join(bin, 'go'), '#!/bin/sh\necho "no route to module proxy" >&2\nexit 1\n');
    const error = await findTemporalCli(options).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'StackError', code: 'TEMPORAL_CLI_MISSING' });
    for (const part of [
      'TEMPORAL_CLI_PATH',
      `${bin}/temporal`,
      cached,
      'answered 404',
      'go install',
      'no route to module proxy',
      'TEMPORAL_ADDRESS',
    ]) {
      expect(error).toHaveProperty('message', expect.stringContaining(part));
    }
    expect(await readdir(dirname(cached))).toEqual([]);
  });

  test('stops when it is aborted during a build, and keeps nothing', async () => {
    const { bin, cached, options } = await bareMachine();
    await script(join(bin, 'go'), '#!/bin/sh\nexec /bin/sleep 300\n');
    const abort = new AbortController();
    const find = findTemporalCli({
      ...options,
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('interrupted')),
    });
    await expect(find).rejects.toThrow('interrupted');
    expect(await readdir(dirname(cached))).toEqual([]);
  });
});
