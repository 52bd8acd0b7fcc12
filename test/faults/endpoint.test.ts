import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { answer, type Behaviour, neverAnswer, reset } from '../support/behaviours.js';
import type { RecordedCall } from '../support/fault-audit.js';
import { take } from '../support/fault-endpoint.js';
import { sharedPostgres } from '../support/fault-postgres.js';
import { FaultStack } from '../support/fault-stack.js';
import { mixedBatches } from '../support/fault-workload.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const postgres = sharedPostgres();

const startStack = async (scenario: string) =>
  FaultStack.start({ scenario, store: { databaseUrl: await postgres().createDatabase() } });

const errorsOf = (calls: RecordedCall[]): Set<string | null> =>
  new Set(calls.flatMap(({ attempts }) => attempts.map(({ error }) => error)));

const codesOf = (calls: RecordedCall[]): Set<number | null> =>
  new Set(calls.flatMap(({ attempts }) => attempts.map(({ response_code }) => response_code)));

/** Fails so with this probability; a seed makes the same requests of the same calls fail. */
const sometimes =
  ({ endpoint, random }: FaultStack, probability: number, failure: Behaviour): Behaviour =>
  (request, response) => {
    const fails = random.for(`request ${request.seen} of ${request.callId}`).chance(probability);
    (fails ? endpoint.refusing(failure) : take)(request, response);
  };

describe('an endpoint that', () => {
  test('refuses connections for ten seconds gets everything once it is back', async () => {
    const stack = await startStack('receiver refuses for 10 s');
    await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    await stack.untilMidway();
    await stack.endpoint.refuse();
    await delay(10_000);
    await stack.endpoint.accept();
    stack.healed();

    // A connection that is dropped may have been dropped before the request had been read.
    const { calls, duplicates } = await stack.conclude({ uncertain: /^connection closed/ });
    expect(errorsOf(calls)).toContain('connection refused');
    expect(duplicates).toBe(0);
  });

  test('accepts and never answers, gets everything once it answers', async () => {
    const stack = await startStack('receiver accepts and never answers for 8 s');
    await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    await stack.untilMidway();
    stack.endpoint.behaviour = stack.endpoint.refusing(neverAnswer);
    await delay(8_000);
    stack.endpoint.behaviour = take;
    stack.healed();

    const { calls, duplicates } = await stack.conclude();
    expect(errorsOf(calls)).toContain('timed out after 3000 ms');
    expect(duplicates).toBe(0);
  });

  test('resets one connection in ten has each request recorded, and each call delivered once', async () => {
    const stack = await startStack('receiver resets 10 % of connections');
    stack.endpoint.behaviour = sometimes(stack, 0.1, reset);
    await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    const { calls, duplicates } = await stack.conclude();
    expect(errorsOf(calls)).toContain('connection closed before a response came');
    expect(duplicates).toBe(0);
  });

  test('answers 500 to three requests in ten has each answer recorded, and each call delivered once', async () => {
    const stack = await startStack('receiver answers 500 to 30 %');
    stack.endpoint.behaviour = sometimes(stack, 0.3, answer(500));
    await stack.startWorker();
    await stack.send(mixedBatches(stack.random));
    const { calls, duplicates } = await stack.conclude();
    expect(codesOf(calls)).toEqual(new Set([500, 200]));
    expect(duplicates).toBe(0);
  });

  test('has no DNS entry at first gets everything once it has one', async () => {
    const stack = await startStack('DNS fails, then works');
    const zone = join(await temporaryFolder(), 'zone');
    await writeFile(zone, '');
    const entry = fileURLToPath(new URL('../support/worker-with-zone.mjs', import.meta.url));
    await stack.startWorker({ FAULT_ZONE_FILE: zone }, { entry, prints: 'the worker runs' });
    await stack.send(mixedBatches(stack.random), {
      webhook_url: stack.endpoint.receiver.urlFor('receiver.test'),
    });
    const failure = 'DNS lookup of receiver.test failed: ENOTFOUND';
    const enough = stack.random.integer(50, 150);
    await expect.poll(() => stack.database.attemptsWithError(failure), { timeout: 60_000 }).toBeGreaterThan(enough);
    await writeFile(zone, '127.0.0.1');
    stack.healed();

    const { calls, duplicates } = await stack.conclude();
    expect(errorsOf(calls)).toEqual(new Set([failure, null]));
    expect(duplicates).toBe(0);
  });
});
