import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { type BatchHandle, PostcallClient } from '../../client/index.js';
import { freePort } from '../../contract/free-port.js';
import { sampleCalls } from '../../dev/sample-calls/index.js';
import { Program, processesWith } from '../support/program.js';
import { Receiver } from '../support/receiver.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const [call] = sampleCalls();
const callId = call?.call_id ?? '';

/** A machine's worth of settings: `npm start` in a data folder and on ports of its own. */
async function machine() {
  const dataDir = join(await temporaryFolder(), 'data');
  const port = await freePort();
  const settings = {
    TEMPORAL_CLI_PATH: inject('temporalCli'),
    TEMPORAL_PORT: String(port),
    TEMPORAL_UI_PORT: String(await freePort()),
    PORT: String(await freePort()),
    POSTCALL_DATA_DIR: dataDir,
    POSTCALL_ALLOW_NETWORKS: '127.0.0.0/8',
    POSTCALL_RETRY_SCHEDULE: '1s',
  };
  return { dataDir, port, settings, start: () => Program.run('dev/start.js', [], settings) };
}

async function createBatch(port: number, webhookUrl: string): Promise<string> {
  const batch = await handleOn(port, (client) =>
    client.create({ user_id: 'dev', call_ids: [callId], webhook_url: webhookUrl }),
  );
  return batch.batchId;
}

/** A batch's handle over a connection that lasts until the end of the test. */
async function handleOn(port: number, get: (client: PostcallClient) => Promise<BatchHandle> | BatchHandle) {
  const connection = await Connection.connect({ address: `127.0.0.1:${port}` });
  onTestFinished(() => connection.close());
  return get(new PostcallClient({ connection }));
}

/** Resolves when the program has an attempt in flight to an endpoint that never answers. */
async function hangingAttempt(port: number, program: Program): Promise<void> {
  const hanging = await Receiver.start({ behaviour: () => new Promise<never>(() => undefined) });
  onTestFinished(() => hanging[Symbol.asyncDispose]());
  await program.printed('ready');
  await createBatch(port, hanging.url);
  await expect.poll(() => hanging.inFlight, { timeout: 20_000 }).toBe(1);
}

/** An endpoint that refuses connections until it is started on its port. */
async function absentReceiver() {
  const port = await freePort();
  return {
    url: `http://127.0.0.1:${port}/hook`,
    start: async () => {
      const receiver = await Receiver.start({ port });
      onTestFinished(() => receiver[Symbol.asyncDispose]());
      return receiver;
    },
  };
}

const apiKeyIn = (output: string): string => /API key +(\S+)/.exec(output)?.[1] ?? '';

const leftBehind = (port: number) => expect.poll(() => processesWith(`--port ${port}`), { timeout: 15_000 });

describe('npm start', () => {
  test('says that it is ready, and where everything is', async () => {
    const { settings, start } = await machine();
    const program = start();
    await program.printed('ready');
    expect(program.output).toContain(`http://127.0.0.1:${settings.TEMPORAL_UI_PORT}`);
    expect(program.output).toContain(`127.0.0.1:${settings.TEMPORAL_PORT}`);
    expect(program.output).toContain('25 sample calls');
    const page = await fetch(`http://127.0.0.1:${settings.TEMPORAL_UI_PORT}`);
    expect(page.status).toBe(200);
    const authorization = apiKeyIn(program.output);
    const webhook = await fetch(`http://127.0.0.1:${settings.PORT}/v1/postcall/webhooks/${callId}`, {
      headers: { authorization },
    });
    expect(webhook.status).toBe(404);
  });

  test.for(['SIGINT', 'SIGTERM'] as const)('stops in order on %s, and the next start goes on', async (signal) => {
    const { port, start } = await machine();
    const absent = await absentReceiver();
    const first = start();
    await first.printed('ready');
    const batchId = await createBatch(port, absent.url);
    const before = await handleOn(port, (client) => client.getHandle(batchId));
    await expect.poll(async () => (await before.progress()).retrying, { timeout: 20_000 }).toBe(1);

    first.signal(signal);
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(processesWith(`--port ${port}`)).toEqual([]);

    const receiver = await absent.start();
    const second = start();
    await second.printed('ready');
    expect(second.output).not.toContain('25 sample calls');
    expect(apiKeyIn(second.output)).toBe(apiKeyIn(first.output));
    const after = await handleOn(port, (client) => client.getHandle(batchId));
    expect(await after.result()).toMatchObject({ status: 'completed', delivered: 1 });
    expect(receiver.requests.map((request) => request.callId)).toEqual([callId]);
  });

  test('leaves no process behind when it is killed, and the next start goes on', async () => {
    const { port, start } = await machine();
    const absent = await absentReceiver();
    const first = start();
    await first.printed('ready');
    const batchId = await createBatch(port, absent.url);
    first.signal('SIGKILL');
    await first.exited;
    await leftBehind(port).toEqual([]);

    await absent.start();
    const second = start();
    await second.printed('ready');
    const after = await handleOn(port, (client) => client.getHandle(batchId));
    expect(await after.result()).toMatchObject({ status: 'completed', delivered: 1 });
  });

  test('starts its Temporal server again when that has ended, and says so', async () => {
    const { port, start } = await machine();
    const absent = await absentReceiver();
    const program = start();
    await program.printed('ready');
    const batchId = await createBatch(port, absent.url);
    const server = processesWith(`--port ${port}`).find(({ command }) => !command.startsWith('sh '));
    if (!server) throw new Error(`No server runs on port ${port}`);
    process.kill(server.pid, 'SIGKILL');
    await program.printed('The Temporal server works again');
    expect(program.output).toMatch(/ERROR.*The Temporal server has ended \(SIGKILL\): it is started again/);
    await absent.start();
    const batch = await handleOn(port, (client) => client.getHandle(batchId));
    expect(await batch.result()).toMatchObject({ status: 'completed', delivered: 1 });
    program.signal('SIGTERM');
    expect((await program.exited).code).toBe(0);
    await leftBehind(port).toEqual([]);
  });

  test('can be stopped at any moment of its start', async () => {
    const { dataDir, port, start } = await machine();
    const moments = {
      'at once': () => true,
      // Looked for by its process: who tries its port would take it from it for a moment.
      'while Temporal starts': () => processesWith(`--port ${port}`).length > 0,
      'while the database is made': () => existsSync(join(dataDir, 'pgdata')),
    };
    for (const [moment, reached] of Object.entries(moments)) {
      const program = start();
      await expect.poll(reached, { interval: 5, timeout: 30_000, message: moment }).toBe(true);
      program.signal('SIGINT');
      // Node.js itself may not have come as far as our handler: then the signal ends it.
      expect([0, null], moment).toContain((await program.exited).code);
      await leftBehind(port).toEqual([]);
    }

    const program = start();
    await program.printed('ready');
  });

  test('ends at once when it is interrupted a second time', async () => {
    const { port, start } = await machine();
    const program = start();
    await hangingAttempt(port, program);

    program.signal('SIGINT');
    await program.printed('Stopping');
    program.signal('SIGINT');
    expect(await program.exited).toEqual({ code: 130, signal: null });
    await leftBehind(port).toEqual([]);
  });

  test('takes a Ctrl-C that npm repeats for one, and lets attempts in flight finish', async () => {
    const { port, settings } = await machine();
    const program = Program.run('dev/start.js', [], {
      ...settings,
      npm_lifecycle_event: 'start',
      POSTCALL_ATTEMPT_TIMEOUT: '4s',
    });
    await hangingAttempt(port, program);

    program.signal('SIGINT');
    await program.printed('Stopping');
    program.signal('SIGINT');
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });

  test('names the remedy when its ports or its folder are in use, and leaves the other one alone', async () => {
    const { settings, start } = await machine();
    const first = start();
    await first.printed('ready');

    const samePorts = Program.run('dev/start.js', [], { ...settings, POSTCALL_DATA_DIR: await temporaryFolder() });
    expect((await samePorts.exited).code).toBe(1);
    for (const variable of ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT'] as const) {
      expect(samePorts.output).toMatch(new RegExp(`^Port ${settings[variable]} .* in use \\(${variable}\\)`, 'm'));
    }

    const sameFolder = Program.run('dev/start.js', [], {
      ...settings,
      TEMPORAL_PORT: String(await freePort()),
      TEMPORAL_UI_PORT: String(await freePort()),
      PORT: String(await freePort()),
    });
    expect((await sameFolder.exited).code).toBe(1);
    expect(sameFolder.output).toMatch(/in use by another.*POSTCALL_DATA_DIR/);

    first.signal('SIGINT');
    expect((await first.exited).code).toBe(0);
  });

  test('lists every setting that is wrong, and starts nothing', async () => {
    const program = Program.run('dev/start.js', [], { TEMPORAL_PORT: 'seven', POSTCALL_MAX_IN_FLIGHT: '0' });
    expect((await program.exited).code).toBe(1);
    expect(program.output).toContain('TEMPORAL_PORT');
    expect(program.output).toContain('POSTCALL_MAX_IN_FLIGHT');
  });
});
