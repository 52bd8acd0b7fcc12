import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import type { Break } from '../support/fault-audit.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';
import { startPostgres } from '../support/postgres.js';
import { startOwnTemporalServer } from '../support/temporal.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const postgres = sharedPostgres();
const CALLS = 1_500;

/** 100 clients that create one call each, again and again, in the middle of their work. */
async function creating(options: { scenario: string; databaseUrl?: string; temporalAddress?: string }) {
  const { scenario, databaseUrl = await postgres().createDatabase(), temporalAddress } = options;
  const stack = await FaultStack.start({
    scenario: `${scenario}, 100 clients create`,
    store: { databaseUrl },
    ...(temporalAddress !== undefined && { temporalAddress }),
  });
  const port = await freePort();
  const worker = await stack.startWorker();
  const api = await stack.startApi(port);
  const { told } = await stack.createOneByOne(CALLS, port);
  await stack.untilMidway();
  return { stack, port, worker, api, told };
}

/** Every client was answered in the end, and what it was told is true. */
async function concluded(
  { stack, told }: Pick<Awaited<ReturnType<typeof creating>>, 'stack' | 'told'>,
  breaks: Break[] = [],
) {
  stack.healed();
  const { accepted, refused, unanswered } = await told;
  const { calls, lost, duplicates } = await stack.conclude(breaks.length > 0 ? { breaks } : {});
  expect(new Set(accepted)).toEqual(new Set(calls.map(({ call_id }) => call_id)));
  expect(accepted).toHaveLength(CALLS);
  expect(lost).toEqual([]);
  return { refused, unanswered, duplicates };
}

describe('while 100 clients create one call each', { timeout: 300_000 }, () => {
  test('a worker that is killed loses no create', async () => {
    const at = await creating({ scenario: 'SIGKILL of the worker' });
    const killed = await at.stack.break(() => at.worker.kill());
    await at.stack.startWorker();
    const { unanswered } = await concluded(at, [killed]);
    expect(unanswered).toBe(0);
  });

  test('an API process that is killed loses no create that it answered, and sends none twice', async () => {
    const at = await creating({ scenario: 'SIGKILL of the API' });
    await at.api.kill();
    await at.stack.startApi(at.port);
    const { unanswered, duplicates } = await concluded(at);
    expect(unanswered).toBeGreaterThan(0);
    expect(duplicates).toBe(0);
  });

  test('an API process that is told to stop answers what it took in, and nothing is lost or sent twice', async () => {
    const at = await creating({ scenario: 'SIGTERM of the API' });
    expect(await at.api.stop()).toEqual({ code: 0, signal: null });
    await at.stack.startApi(at.port);
    const { duplicates } = await concluded(at);
    expect(duplicates).toBe(0);
  });

  test('a Temporal server that is killed loses no create, and makes none sent twice', async () => {
    const dataDir = await temporaryFolder();
    const server = await startOwnTemporalServer({ dataDir });
    const at = await creating({ scenario: 'SIGKILL of the Temporal server', temporalAddress: server.address });
    await server.kill();
    await startOwnTemporalServer({ dataDir, port: Number(server.address.split(':').at(-1)) });
    const { unanswered, duplicates } = await concluded(at);
    expect({ unanswered, duplicates }).toEqual({ unanswered: 0, duplicates: 0 });
  });

  test('a PostgreSQL that is killed loses no create, and makes none sent twice', async () => {
    const server = await startPostgres();
    onTestFinished(() => server.remove());
    const at = await creating({ scenario: 'SIGKILL of PostgreSQL', databaseUrl: await server.createDatabase() });
    await server.kill();
    await server.start();
    const { unanswered, duplicates } = await concluded(at);
    expect({ unanswered, duplicates }).toEqual({ unanswered: 0, duplicates: 0 });
  });
});

test('a client that is killed with requests in its queue has promised nothing that is not delivered', async () => {
  const stack = await FaultStack.start({
    scenario: 'SIGKILL of a client with creates in its queue',
    store: { databaseUrl: await postgres().createDatabase() },
  });
  await stack.startWorker();
  const { client, callIds } = await stack.startClient(CALLS);
  const accepted = () => callIds.filter((callId) => client.output.includes(`accepted ${callId}.`));
  await expect.poll(() => accepted().length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(CALLS / 5);
  await client.kill();
  const promised = accepted();
  expect(promised.length).toBeLessThan(CALLS);
  const taken = () => new Set(stack.endpoint.requests.map(({ callId }) => callId));
  await expect.poll(() => promised.filter((callId) => !taken().has(callId)), { timeout: 60_000 }).toEqual([]);
  // The others were not answered: a client that still has their calls creates them again.
  const promises = new Set(promised);
  await stack.createAgain(callIds.filter((callId) => !promises.has(callId)));
  stack.healed();
  const { lost, duplicates } = await stack.conclude();
  expect({ lost, duplicates }).toEqual({ lost: [], duplicates: 0 });
});
