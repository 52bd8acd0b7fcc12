import { Connection } from '@temporalio/client';
import { expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import { temporalServerPart, workerPart } from '../../../dev/supervised-parts.js';
import { startTestStack, testLogger } from '../../support/stack.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** A connection that repeats nothing, as the stack's own. */
function connectionTo(address: string): Connection {
  const connection = Connection.lazy({ address, interceptors: [] });
  onTestFinished(() => connection.close());
  return connection;
}

/** What a worker needs that runs from source. */
async function workerDeps() {
  const { config, store } = await startTestStack({ worker: false });
  const workflows = { workflowBundle: { codePath: inject('workflowBundlePath') } };
  return { config, store, logger: testLogger(), workflows };
}

test('a worker works while the server sees it polling, and while nobody can tell', async () => {
  const deps = await workerDeps();
  const connection = connectionTo(inject('temporalAddress'));
  const part = workerPart(deps, () => connection);
  const worker = await part.start();
  onTestFinished(() => worker.stop());
  await expect.poll(() => part.works(worker)).toBe(true);
  expect(await part.works({ ...worker, identity: 'a worker that never polled' })).toBe(false);
  const nobody = connectionTo(`127.0.0.1:${await freePort()}`);
  expect(await workerPart(deps, () => nobody).works({ ...worker, identity: 'whichever' })).toBe(true);
  expect(await workerPart(deps).works({ ...worker, identity: 'whichever' })).toBe(true);
});

test('a worker that has stopped is said to have ended, and may be discarded', async () => {
  const part = workerPart(await workerDeps());
  const worker = await part.start();
  const ended = part.ended(worker);
  await part.discard(worker);
  expect(await ended).toBe('has stopped by itself');
});

test('a server that is frozen gives no answer, and one that is discarded leaves its port and file to the next', async () => {
  const part = temporalServerPart({
    cliPath: inject('temporalCli'),
    dataDir: await temporaryFolder(),
    port: await freePort(),
    uiPort: false,
  });
  const asked = await part.start();
  expect(await part.works(asked)).toBe(true);
  process.kill(asked.server.pid, 'SIGSTOP');
  const answer = part.works(asked).catch(() => 'broken off');
  await part.discard(asked);
  // It answered nothing until its connection broke.
  expect(await answer).toBe('broken off');
  const next = await part.start();
  onTestFinished(() => part.discard(next) as Promise<void>);
  expect(next.server.address).toBe(asked.server.address);
  expect(await part.works(next)).toBe(true);
});
