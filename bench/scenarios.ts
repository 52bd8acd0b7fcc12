import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { BatchHandle } from '../client/index.js';
import { DEFAULT_MAX_IN_FLIGHT } from '../contract/index.js';
import { type Measurement, measure } from './measure.js';
import type { BenchReceiver } from './receiver.js';
import { API_KEY, type System, USER } from './system.js';

/** A scenario that takes longer is stuck. */
const PATIENCE_MS = 180_000;

export interface Place {
  system: System;
  receiver: BenchReceiver;
}

/** All calls in one batch. */
export function oneBatch(
  { system, receiver }: Place,
  callIds: string[],
  max_in_flight = DEFAULT_MAX_IN_FLIGHT,
): Promise<Measurement> {
  const scenario = `one batch of ${callIds.length}, ${max_in_flight} in flight`;
  return measure(scenario, system, receiver, () =>
    deliverBatch({ system, receiver }, callIds, '/hook', { max_in_flight }),
  );
}

/** Three attempts of each call fail; the worker's schedule is 1 s. */
export function retried({ system, receiver }: Place, callIds: string[]): Promise<Measurement> {
  return measure(`${callIds.length} calls that fail three times`, system, receiver, async () => ({
    ...(await deliverBatch({ system, receiver }, callIds, '/third')),
    attemptsEach: 4,
  }));
}

/** An endpoint that answers after 300 ms. */
export function slow({ system, receiver }: Place, callIds: string[]): Promise<Measurement> {
  return measure(`${callIds.length} calls, answered after 300 ms`, system, receiver, () =>
    deliverBatch({ system, receiver }, callIds, '/slow'),
  );
}

async function deliverBatch(
  { system, receiver }: Place,
  callIds: string[],
  path: string,
  options?: { max_in_flight: number },
) {
  const created = Date.now();
  const handle = await system.client.create({
    user_id: USER,
    call_ids: callIds,
    webhook_url: receiver.origin + path,
    ...(options && { options }),
  });
  const { delivered } = await handle.result();
  if (delivered !== callIds.length) throw new Error(`${delivered} of ${callIds.length} delivered`);
  return { createdAt: new Map(callIds.map((callId) => [callId, created])), workflowIds: [handle.workflowId] };
}

/** Batches of one call that all wait for an endpoint which was away: measured from its return. The worker's schedule is 1 h. */
export async function afterOutage({ system, receiver }: Place, callIds: string[]): Promise<Measurement> {
  const handles: BatchHandle[] = [];
  for (const callId of callIds) {
    handles.push(
      await system.client.create({ user_id: USER, call_ids: [callId], webhook_url: `${receiver.origin}/outage` }),
    );
  }
  await arrived(receiver, callIds.length);
  return measure(`${callIds.length} batches of 1 after an outage`, system, receiver, async () => {
    const returned = Date.now();
    receiver.endOutage();
    await Promise.all(handles.map((handle) => handle.result()));
    return { createdAt: new Map(callIds.map((callId) => [callId, returned])) };
  });
}

async function arrived(receiver: BenchReceiver, calls: number): Promise<void> {
  for (const limit = Date.now() + PATIENCE_MS; ; await delay(50)) {
    const count = await receiver.count();
    if (count >= calls) return;
    if (Date.now() > limit) throw new Error(`${count} of ${calls} calls have arrived`);
  }
}

interface CreatesOptions {
  connections: number;
  wait: 'default' | 0;
  /** Default: the receiver's, which answers at once. */
  urlOf?: (callId: string) => string;
  /** Calls that are measured. Default: all. */
  measured?: readonly string[];
  beside?: string;
}

/** One HTTP request for each call, as a service hands them over. Ends when all that are measured have arrived. */
export function creates(
  { system, receiver }: Place,
  callIds: string[],
  { connections, wait, urlOf = () => `${receiver.origin}/hook`, measured = callIds, beside = '' }: CreatesOptions,
): Promise<Measurement> {
  const lanes = connections === 1 ? 'one at a time' : `${connections} connections`;
  const scenario = `${measured.length} creates${beside}, ${lanes}, ${wait === 0 ? 'wait=0' : 'default wait'}`;
  return measure(scenario, system, receiver, async () => {
    const pool = new Pool(system.apiOrigin, { connections, pipelining: 1 });
    const createdAt = new Map<string, number>();
    const answers: number[] = [];
    const left = callIds.values();
    const lane = async () => {
      for (const callId of left) {
        createdAt.set(callId, Date.now());
        const from = performance.now();
        await create(pool, callId, urlOf(callId), wait);
        answers.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: connections }, lane));
    await pool.close();
    await arrived(receiver, measured.length);
    return { createdAt: new Map(measured.map((callId) => [callId, createdAt.get(callId) ?? 0])), answers };
  });
}

/** The endpoints of 300 healthy receivers, and those of 100 that hang and 100 that are dead beside them. */
export function createsToMany(
  place: Place,
  callIds: string[],
  { troubled }: { troubled: boolean },
): Promise<Measurement> {
  const healthy = place.receiver.others.slice(0, 300).map((origin) => `${origin}/hook`);
  const hanging = place.receiver.others.slice(300).map((origin) => `${origin}/hang`);
  const dead = Array.from({ length: 100 }, (_, index) => `http://127.0.0.1:1/${index}`);
  const urls = troubled ? [...healthy, ...hanging, ...dead] : healthy;
  // Mixed: 7 has no divisor in common with their number.
  const urlOf = new Map(callIds.map((callId, index) => [callId, urls[(index * 7) % urls.length] ?? '']));
  return creates(place, callIds, {
    connections: 100,
    wait: 0,
    urlOf: (callId) => urlOf.get(callId) ?? '',
    measured: callIds.filter((callId) => healthy.includes(urlOf.get(callId) ?? '')),
    beside: troubled ? ' to 300 endpoints, 100 hanging and 100 dead ones beside' : ' to 300 endpoints',
  });
}

/** One HTTP request for each call, so many a second, as they come in from a telephone system: what a machine must bear all day. */
export function steady({ system, receiver }: Place, callIds: string[], perSecond: number): Promise<Measurement> {
  return measure(`${callIds.length} creates, ${perSecond} a second`, system, receiver, async () => {
    const pool = new Pool(system.apiOrigin, { connections: 50, pipelining: 1 });
    const createdAt = new Map<string, number>();
    const answers: number[] = [];
    const started = performance.now();
    const requests = callIds.map(async (callId, index) => {
      await delay(started + (index * 1_000) / perSecond - performance.now());
      createdAt.set(callId, Date.now());
      const from = performance.now();
      await create(pool, callId, `${receiver.origin}/hook`, 0);
      answers.push(performance.now() - from);
    });
    await Promise.all(requests);
    await pool.close();
    await arrived(receiver, callIds.length);
    return { createdAt, answers };
  });
}

async function create(pool: Pool, callId: string, webhook_url: string, wait: 'default' | 0): Promise<void> {
  const { statusCode, body } = await pool.request({
    path: '/v1/postcall/webhooks/create',
    method: 'POST',
    headers: {
      authorization: API_KEY,
      'content-type': 'application/json',
      ...(wait === 0 && { prefer: 'wait=0' }),
    },
    body: JSON.stringify({ call_ids: [callId], webhook_url }),
  });
  const text = await body.text();
  if (statusCode !== 200 && statusCode !== 202) throw new Error(`${statusCode}: ${text.slice(0, 300)}`);
}
