import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../dev/free-port.js';
import { send, sharedApi } from '../../support/api.js';
import { answer, neverAnswer } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';

const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_ATTEMPT_TIMEOUT: '60s' } });

const ENDPOINTS = 500;
const CREATES = 1_000;
/** Of the endpoints: each is an origin of its own, as endpoints are. */
const HANGING = 100;
const DEAD = 100;

/** One server for many origins: all of 127.0.0.0/8 is this machine. */
async function manyOrigins(count: number, hanging: number) {
  const receiver = await Receiver.start({ host: '0.0.0.0', keepBodies: false });
  onTestFinished(() => receiver.close());
  const hosts = Array.from(
    { length: count },
    (_, index) => `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`,
  );
  const hangs = new Set(hosts.slice(0, hanging).map((host) => `${host}:${receiver.port}`));
  receiver.behaviour = (request, response) => {
    const behaviour = hangs.has(request.headers.host ?? '') ? neverAnswer : answer(200);
    behaviour(request, response);
  };
  return { receiver, urls: hosts.map((host) => receiver.urlFor(host)) };
}

test('creates to 300 healthy endpoints are all delivered before any request to 100 hanging ones ends, with 100 dead ones beside them', {
  timeout: 180_000,
}, async () => {
  const { receiver, urls } = await manyOrigins(ENDPOINTS - DEAD, HANGING);
  const deadPort = await freePort();
  const all = [...urls, ...Array.from({ length: DEAD }, (_, index) => `http://127.0.9.${index + 1}:${deadPort}/hook`)];
  const user = await api().newUser();
  const calls = await api().stack.addCalls(CREATES, user.userId);
  const urlOf = (index: number) => all[(index * 7) % ENDPOINTS] ?? '';
  const isHealthy = (index: number) => {
    const at = (index * 7) % ENDPOINTS;
    return at >= HANGING && at < ENDPOINTS - DEAD;
  };
  const answers = await Promise.all(
    calls.map((callId, index) =>
      user.post(
        '/v1/postcall/webhooks/create',
        { call_ids: [callId], webhook_url: urlOf(index) },
        { prefer: 'wait=0' },
      ),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  const healthy = calls.filter((_, index) => isHealthy(index));
  const seen = () => {
    const taken = receiver.requests.filter(({ answered }) => answered === 200);
    return new Set(taken.map(({ callId }) => callId));
  };
  await expect.poll(() => seen().size, { timeout: 60_000 }).toBe(healthy.length);
  expect([...seen()].sort()).toEqual([...healthy].sort());
  // The hanging ones were asked, and none of their requests has ended: nobody waited for them.
  await expect.poll(() => receiver.inFlight).toBe(CREATES * (HANGING / ENDPOINTS));
  const delivered = await send(`${api().url}/v1/postcall/webhooks/${healthy[0]}`, {
    headers: { authorization: user.key },
  });
  expect(delivered.body.data.metadata).toMatchObject([{ response_code: 200 }]);
});
