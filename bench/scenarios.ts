import { build as buildHistogram } from 'hdr-histogram-js';
import { DEFAULT_MAX_IN_FLIGHT } from '../contract/index.js';
import type { BenchReceiver } from './receiver.js';
import { type System, USER } from './system.js';

export interface Measurement {
  scenario: string;
  deliveries: number;
  perSecond: number;
  /** Milliseconds from `create` to the arrival at the receiver. */
  p50: number;
  p99: number;
  /** Milliseconds of CPU for each delivery. */
  cpuMs: { worker: number; temporal: number; database: number };
  /** MB of the worker at the end. */
  workerMemoryMb: number;
}

type Run = () => Promise<Map<string, number>>;

/** Runs a scenario, which returns when each call was created, and measures everything from its start to its end. */
async function measure(scenario: string, system: System, receiver: BenchReceiver, run: Run): Promise<Measurement> {
  await receiver.takeArrivals();
  const before = await system.usage();
  const started = performance.now();
  const createdAt = await run();
  const seconds = (performance.now() - started) / 1_000;
  const after = await system.usage();
  const { requests, firstArrival } = await receiver.takeArrivals();
  if (requests !== createdAt.size || firstArrival.size !== createdAt.size) {
    throw new Error(`${scenario}: ${requests} requests for ${firstArrival.size} of ${createdAt.size} calls`);
  }
  const latencies = buildHistogram();
  for (const [callId, at] of createdAt) latencies.recordValue(Math.max(0, (firstArrival.get(callId) ?? 0) - at));
  const cpuMs = (part: keyof typeof after) =>
    ((after[part].cpuSeconds - before[part].cpuSeconds) * 1_000) / createdAt.size;
  return {
    scenario,
    deliveries: createdAt.size,
    perSecond: createdAt.size / seconds,
    p50: latencies.getValueAtPercentile(50),
    p99: latencies.getValueAtPercentile(99),
    cpuMs: { worker: cpuMs('worker'), temporal: cpuMs('temporal'), database: cpuMs('database') },
    workerMemoryMb: after.worker.memoryMb,
  };
}

/** All calls in one batch. */
export function oneBatch(
  system: System,
  receiver: BenchReceiver,
  callIds: string[],
  max_in_flight = DEFAULT_MAX_IN_FLIGHT,
): Promise<Measurement> {
  const scenario = `one batch of ${callIds.length}, ${max_in_flight} in flight`;
  return measure(scenario, system, receiver, async () => {
    const created = Date.now();
    const handle = await system.client.create({
      user_id: USER,
      call_ids: callIds,
      webhook_url: receiver.url,
      options: { max_in_flight },
    });
    const { delivered } = await handle.result();
    if (delivered !== callIds.length) throw new Error(`${delivered} of ${callIds.length} delivered`);
    return new Map(callIds.map((callId) => [callId, created]));
  });
}

/** A batch for each call, so many of them at a time. */
export function oneCallBatches(
  system: System,
  receiver: BenchReceiver,
  callIds: string[],
  concurrency: number,
): Promise<Measurement> {
  return measure(`${callIds.length} batches of 1, ${concurrency} at a time`, system, receiver, async () => {
    const createdAt = new Map<string, number>();
    const left = [...callIds];
    const runner = async (): Promise<void> => {
      for (let callId = left.pop(); callId !== undefined; callId = left.pop()) {
        createdAt.set(callId, Date.now());
        const handle = await system.client.create({ user_id: USER, call_ids: [callId], webhook_url: receiver.url });
        await handle.result();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, runner));
    return createdAt;
  });
}
