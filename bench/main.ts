import { randomBytes } from 'node:crypto';
import Table from 'cli-table3';
import type { Measurement } from './measure.js';
import { type BenchReceiver, startReceiver } from './receiver.js';
import { afterOutage, creates, createsToMany, oneBatch, retried, slow, steady } from './scenarios.js';
import { type Base, DATABASES, startPackage, startSystem, WIDE_IN_FLIGHT } from './system.js';
import { plainLoop } from './yardstick.js';

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index.toString().padStart(5, '0')}`);

const BATCHES = {
  warmUp: ids('warm', 2_500),
  batch: ids('batch', 5_000),
  wide: ids('wide', 5_000),
  large: ids('large', 10_000),
};
const CREATES = {
  warmUp: ids('cwarm', 2_500),
  batch: ids('cbatch', 5_000),
  none200: ids('n200', 5_000),
  none50: ids('n50', 5_000),
  default200: ids('d200', 5_000),
  default50: ids('d50', 5_000),
  alone: ids('alone', 200),
};
const MANY = { warmUp: ids('mwarm', 1_000), alone: ids('malone', 600), troubled: ids('mmixed', 1_000) };
const PACKAGE = {
  warmUp: ids('pwarm', 2_500),
  batch: ids('pbatch', 5_000),
  none: ids('pnone', 5_000),
  default: ids('pdefault', 5_000),
};
const STEADY = { warmUp: ids('swarm', 1_000), steady: ids('steady', 3_000) };
const TROUBLED = { warmUp: ids('twarm', 1_000), retried: ids('retried', 2_000), slow: ids('slow', 2_000) };
const ENCRYPTED = { warmUp: ids('ewarm', 2_500), batch: ids('ebatch', 5_000) };
const OUTAGE = { waiting: ids('outage', 1_000) };

type Suite = (base: Base, receiver: BenchReceiver) => Promise<Measurement[]>;

/** Each on a system of its own. */
const SUITES: Record<string, Suite> = {
  batches: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(BATCHES).flat());
    const place = { system, receiver };
    await oneBatch(place, BATCHES.warmUp);
    return [
      await oneBatch(place, BATCHES.batch),
      await oneBatch(place, BATCHES.wide, WIDE_IN_FLIGHT),
      await oneBatch(place, BATCHES.large),
    ];
  },
  creates: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(CREATES).flat());
    const place = { system, receiver };
    await creates(place, CREATES.warmUp, { connections: 50, wait: 0 });
    return [
      await oneBatch(place, CREATES.batch),
      await creates(place, CREATES.none200, { connections: 200, wait: 0 }),
      await creates(place, CREATES.none50, { connections: 50, wait: 0 }),
      await creates(place, CREATES.default200, { connections: 200, wait: 'default' }),
      await creates(place, CREATES.default50, { connections: 50, wait: 'default' }),
      await creates(place, CREATES.alone, { connections: 1, wait: 'default' }),
    ];
  },
  endpoints: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(MANY).flat());
    const place = { system, receiver };
    await creates(place, MANY.warmUp, { connections: 50, wait: 0 });
    return [
      await createsToMany(place, MANY.alone, { troubled: false }),
      await createsToMany(place, MANY.troubled, { troubled: true }),
    ];
  },
  start: async ({ database }, receiver) => {
    if (database !== 'PGlite') return [];
    await using system = await startPackage(Object.values(PACKAGE).flat());
    const place = { system, receiver };
    await oneBatch(place, PACKAGE.warmUp);
    return [
      await oneBatch(place, PACKAGE.batch),
      await creates(place, PACKAGE.none, { connections: 100, wait: 0 }),
      await creates(place, PACKAGE.default, { connections: 100, wait: 'default' }),
    ];
  },
  steady: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(STEADY).flat());
    const place = { system, receiver };
    await creates(place, STEADY.warmUp, { connections: 50, wait: 0 });
    return [await steady(place, STEADY.steady, 100)];
  },
  troubled: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(TROUBLED).flat(), { POSTCALL_RETRY_SCHEDULE: '1s' });
    const place = { system, receiver };
    await oneBatch(place, TROUBLED.warmUp);
    return [await retried(place, TROUBLED.retried), await slow(place, TROUBLED.slow)];
  },
  // In pairs that alternate: what the machine does meanwhile falls on both.
  encryption: async (base, receiver) => {
    const measured: Measurement[] = [];
    const key = `bench:${randomBytes(32).toString('base64')}`;
    for (let pair = 1; pair <= 3; pair += 1) {
      for (const keys of pair % 2 === 1 ? ['', key] : [key, '']) {
        await using system = await startSystem(base, Object.values(ENCRYPTED).flat(), {
          POSTCALL_ENCRYPTION_KEYS: keys,
        });
        const place = { system, receiver };
        await oneBatch(place, ENCRYPTED.warmUp);
        const scenario = `5,000 calls, ${keys === '' ? 'in the clear' : 'encrypted'}, pair ${pair}`;
        measured.push({ ...(await oneBatch(place, ENCRYPTED.batch)), scenario });
      }
    }
    return measured;
  },
  outage: async (base, receiver) => {
    await using system = await startSystem(base, Object.values(OUTAGE).flat(), { POSTCALL_RETRY_SCHEDULE: '1h' });
    return [await afterOutage({ system, receiver }, OUTAGE.waiting)];
  },
};

/**
 * Measures everything on the dev server, or the databases and suites that are named on the command line. `cluster`: on a Temporal
 * server with a database of its own instead, beside PostgreSQL.
 */
async function main(names: readonly string[]): Promise<void> {
  using receiver = await startReceiver();
  const body = JSON.stringify({ call_id: 'yardstick', concatenated_transcript: 'x'.repeat(2_000) });
  console.log(`plain undici loop: ${Math.round(await plainLoop(`${receiver.origin}/hook`, body))} requests/s\n`);
  for (const base of basesOf(names)) {
    for (const suite of named(Object.keys(SUITES), names)) {
      const measurements = (await SUITES[suite]?.(base, receiver)) ?? [];
      if (measurements.length > 0) print(`${base.server}, ${base.database}, ${suite}`, measurements);
    }
  }
}

function basesOf(names: readonly string[]): Base[] {
  if (names.includes('cluster')) return [{ server: 'cluster', database: 'PostgreSQL' }];
  return named(DATABASES, names).map((database) => ({ server: 'dev server', database }));
}

/** All of them, where none is named. */
function named<T extends string>(all: readonly T[], names: readonly string[]): readonly T[] {
  const chosen = all.filter((name) => names.includes(name));
  return chosen.length > 0 ? chosen : all;
}

const HEAD = [
  '',
  'attempts/s',
  'p50 ms',
  'p99 ms',
  'CPU ms',
  'worker + api + temporal + db',
  'MB',
  'events',
  'activities',
  'answer p50/p99',
];

function print(title: string, measurements: readonly Measurement[]): void {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  for (const measurement of measurements) table.push(rowOf(measurement));
  console.log(`${title}\n${table.toString()}\n`);
}

function rowOf({ scenario, perSecond, p50, p99, cpuMs, workerMemoryMb, ...rest }: Measurement) {
  const { worker = 0, api = 0, temporal = 0, database = 0 } = cpuMs;
  return [
    scenario,
    Math.round(perSecond),
    p50,
    p99,
    (worker + api + temporal + database).toFixed(2),
    [worker, api, temporal, database].map((ms) => ms.toFixed(2)).join(' + '),
    Math.round(workerMemoryMb),
    rest.events?.toFixed(2) ?? '',
    rest.activities?.toFixed(3) ?? '',
    rest.answerP50 === undefined ? '' : `${rest.answerP50}/${rest.answerP99}`,
  ];
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
