import Table from 'cli-table3';
import { startReceiver } from './receiver.js';
import { type Measurement, oneBatch, oneCallBatches } from './scenarios.js';
import { DATABASES, type Database, startSystem, WIDE_IN_FLIGHT } from './system.js';
import { plainLoop } from './yardstick.js';

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index.toString().padStart(5, '0')}`);

const CALLS = {
  warmUp: ids('warm', 2_500),
  batch: ids('batch', 5_000),
  wide: ids('wide', 5_000),
  single: ids('single', 500),
  large: ids('large', 10_000),
};

/** Measures both databases, or those named on the command line. */
async function main(names: readonly string[]): Promise<void> {
  using receiver = await startReceiver();
  const body = JSON.stringify({ call_id: 'yardstick', concatenated_transcript: 'x'.repeat(2_000) });
  console.log(`plain undici loop: ${Math.round(await plainLoop(receiver.url, body))} requests/s\n`);
  for (const database of DATABASES.filter((name) => names.length === 0 || names.includes(name))) {
    print(database, await measureDatabase(database));
  }

  async function measureDatabase(database: Database): Promise<Measurement[]> {
    await using system = await startSystem(database, Object.values(CALLS).flat());
    await oneBatch(system, receiver, CALLS.warmUp);
    return [
      await oneBatch(system, receiver, CALLS.batch),
      await oneBatch(system, receiver, CALLS.wide, WIDE_IN_FLIGHT),
      await oneCallBatches(system, receiver, CALLS.single, 50),
      await oneBatch(system, receiver, CALLS.large),
    ];
  }
}

function print(database: Database, measurements: Measurement[]): void {
  const head = ['', 'deliveries/s', 'p50 ms', 'p99 ms', 'CPU ms/delivery', 'worker + temporal + database', 'worker MB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { scenario, perSecond, p50, p99, cpuMs, workerMemoryMb } of measurements) {
    const { worker, temporal, database: ofDatabase } = cpuMs;
    table.push([
      scenario,
      Math.round(perSecond),
      p50,
      p99,
      (worker + temporal + ofDatabase).toFixed(2),
      [worker, temporal, ofDatabase].map((ms) => ms.toFixed(2)).join(' + '),
      Math.round(workerMemoryMb),
    ]);
  }
  console.log(`${database}\n${table.toString()}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
