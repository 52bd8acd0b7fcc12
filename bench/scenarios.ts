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
  for (const limit = Date.now() + PATIENCE_MS; ; await delay(20)) {
    const count = await receiver.count();
    if (count >= calls) return;
    if (Date.now() > limit) throw new Error(`${count} of ${calls} requests have arrived`);
  }
}

/** One HTTP request for each call, as a service hands them over. Ends when all have arrived. */
export function creates(
  { system, receiver }: Place,
  callIds: string[],
  { connections, wait }: { connections: number; wait: 'default' | 0 },
): Promise<Measurement> {
  const scenario = `${callIds.length} creates, ${connections} connections, ${wait === 0 ? 'wait=0' : 'default wait'}`;
  return measure(scenario, system, receiver, async () => {
    const pool = new Pool(system.apiOrigin, { connections, pipelining: 1 });
    const createdAt = new Map<string, number>();
    const answers: number[] = [];
    const left = callIds.values();
    const lane = async () => {
      for (const callId of left) {
        createdAt.set(callId, Date.now());
        const from = performance.now();
        await create(pool, callId, `${receiver.origin}/hook`, wait);
        answers.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: connections }, lane));
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
