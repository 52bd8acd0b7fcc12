import { build as buildHistogram } from 'hdr-histogram-js';
import type { BenchReceiver } from './receiver.js';
import type { Part, System } from './system.js';

export interface Measurement {
  scenario: string;
  deliveries: number;
  /** Deliveries each second; attempts each second where calls take several. */
  perSecond: number;
  /** Milliseconds from the request to the arrival at the receiver. */
  p50: number;
  p99: number;
  /** Milliseconds of CPU for each attempt. */
  cpuMs: Partial<Record<Part, number>>;
  /** MB of the worker at the end. */
  workerMemoryMb: number;
  /** History events and regular activities for each attempt, where they were counted. */
  events?: number;
  activities?: number;
  /** Milliseconds until the answer, if the bench waited for one. */
  answerP50?: number;
  answerP99?: number;
}

/** What a scenario did: when each call was created, and how many attempts each takes. */
export interface Run {
  createdAt: Map<string, number>;
  attemptsEach?: number;
  /** Workflows whose histories are counted. */
  workflowIds?: string[];
  answers?: number[];
}

/** Runs a scenario and measures everything from its start to its end. Each attempt must have arrived exactly once. */
export async function measure(
  scenario: string,
  system: System,
  receiver: BenchReceiver,
  run: () => Promise<Run>,
): Promise<Measurement> {
  await receiver.takeArrivals();
  const before = await system.usage();
  const started = performance.now();
  const { createdAt, attemptsEach = 1, workflowIds, answers } = await run();
  const seconds = (performance.now() - started) / 1_000;
  const after = await system.usage();
  const { requests, first, last } = await receiver.takeArrivals();
  const attempts = createdAt.size * attemptsEach;
  if (requests !== attempts || first.size !== createdAt.size) {
    throw new Error(`${scenario}: ${requests} requests for ${first.size} of ${createdAt.size} calls`);
  }
  const latencies = [...createdAt].map(([callId, at]) => Math.max(0, (last.get(callId) ?? 0) - at));
  const parts = Object.keys(after) as Part[];
  return {
    scenario,
    deliveries: createdAt.size,
    perSecond: attempts / seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    cpuMs: Object.fromEntries(
      parts.map((part) => [part, ((after[part].cpuSeconds - before[part].cpuSeconds) * 1_000) / attempts]),
    ),
    workerMemoryMb: after.worker.memoryMb,
    ...(workflowIds && (await countsOf(system, workflowIds, attempts))),
    ...(answers && { answerP50: percentile(answers, 50), answerP99: percentile(answers, 99) }),
  };
}

async function countsOf(system: System, workflowIds: readonly string[], attempts: number) {
  const counts = await Promise.all(workflowIds.map((workflowId) => system.historyCounts(workflowId)));
  const sum = (key: 'events' | 'activities') => counts.reduce((total, count) => total + count[key], 0) / attempts;
  return { events: sum('events'), activities: sum('activities') };
}

function percentile(values: readonly number[], percent: number): number {
  const histogram = buildHistogram();
  for (const value of values) histogram.recordValue(Math.max(0, Math.round(value)));
  return histogram.getValueAtPercentile(percent);
}
