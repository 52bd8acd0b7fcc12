import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { freePort, isPortFree } from '../../../contract/free-port.js';
import { startTemporalServer } from '../../../dev/temporal-server.js';
import { processesWith } from '../../support/program.js';
import { connectClient, startOwnTemporalServer } from '../../support/temporal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function startWorkflow(address: string, workflowId: string): Promise<void> {
  const client = await connectClient(address);
  await client.workflow.start('nobodyRunsIt', { workflowId, taskQueue: 'nobody' });
}

async function statusOf(address: string, workflowId: string): Promise<string> {
  const client = await connectClient(address);
  return (await client.workflow.getHandle(workflowId).describe()).status.name;
}

describe('the embedded Temporal server', () => {
  test('keeps what was running through a stop and through a kill', async () => {
    const dataDir = join(await temporaryFolder(), 'data');
    const first = await startOwnTemporalServer({ dataDir });
    await startWorkflow(first.address, 'before-stop');
    await first.stop();

    const second = await startOwnTemporalServer({ dataDir });
    await startWorkflow(second.address, 'before-kill');
    await second.kill();

    const third = await startOwnTemporalServer({ dataDir });
    expect(await statusOf(third.address, 'before-stop')).toBe('RUNNING');
    expect(await statusOf(third.address, 'before-kill')).toBe('RUNNING');
  });

  test('works in a folder whose name means something in a URL', async () => {
    const dataDir = join(await temporaryFolder(), 'a b?c=%41#d');
    const server = await startOwnTemporalServer({ dataDir });
    await startWorkflow(server.address, 'odd-folder');
    expect(await statusOf(server.address, 'odd-folder')).toBe('RUNNING');
  });

  test('serves the Web UI', async () => {
    const server = await startOwnTemporalServer({ uiPort: await freePort(), database: 'memory' });
    const page = await fetch(server.uiUrl ?? '');
    expect(page.status).toBe(200);
  });

  test('answers on the port it was given, and frees it at its end', async () => {
    const port = await freePort();
    const server = await startOwnTemporalServer({ port, database: 'memory' });
    expect(server.address).toBe(`127.0.0.1:${port}`);
    expect(await isPortFree(port)).toBe(false);
    await server.stop();
    expect(await isPortFree(port)).toBe(true);
  });

  test('names the setting when its port is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    const { port } = squatter.address() as { port: number };
    await expect(startOwnTemporalServer({ port })).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: expect.stringContaining(`Port ${port} for the Temporal server is in use`),
    });
    await expect(startOwnTemporalServer({ uiPort: port })).rejects.toThrow('TEMPORAL_UI_PORT');
  });

  test('refuses a data folder that another server has open, and leaves that server alone', async () => {
    const dataDir = await temporaryFolder();
    const first = await startOwnTemporalServer({ dataDir });
    await expect(startOwnTemporalServer({ dataDir })).rejects.toMatchObject({
      code: 'DATA_DIR_BUSY',
      message: expect.stringMatching(/is in use by another Temporal server.*POSTCALL_DATA_DIR/),
    });
    await startWorkflow(first.address, 'undisturbed');
    expect(await statusOf(first.address, 'undisturbed')).toBe('RUNNING');
  });

  test('says what the server said when it ends at its start', async () => {
    const dataDir = await temporaryFolder();
    await expect(startOwnTemporalServer({ dataDir, cliPath: '/bin/false' })).rejects.toMatchObject({
      code: 'TEMPORAL_SERVER_FAILED',
    });
    await expect(startOwnTemporalServer({ dataDir, cliPath: '/nonexistent/temporal' })).rejects.toThrow(
      '/nonexistent/temporal',
    );
  });

  test('leaves nothing behind when its start is aborted', async () => {
    const dataDir = await temporaryFolder();
    const port = await freePort();
    const abort = new AbortController();
    const start = startTemporalServer({
      cliPath: inject('temporalCli'),
      dataDir,
      port,
      uiPort: false,
      signal: abort.signal,
    });
    // Who tried its port now would take it from the server for a moment.
    await expect.poll(() => processesWith(`--port ${port}`).length, { interval: 5 }).toBeGreaterThan(0);
    abort.abort(new Error('interrupted'));
    const outcome = await start.then(
      (server) => server.stop(),
      (error: Error) => error.message,
    );
    expect([undefined, 'interrupted']).toContain(outcome);
    await expect.poll(() => processesWith(`--port ${port}`)).toEqual([]);
    expect(await isPortFree(port)).toBe(true);
  });
});
