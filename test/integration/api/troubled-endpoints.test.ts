import { expect, onTestFinished, test } from 'vitest';
import { send, sharedApi } from '../../support/api.js';
import { answer, type Behaviour, neverAnswer } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';

const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_ATTEMPT_TIMEOUT: '60s' } });

const ENDPOINTS = 500;
const CREATES = 1_000;
/** Of the endpoints: each is an origin of its own, as endpoints are. */
const HANGING = 100;
const DEAD = 100;

/** Servers of their own, so that each is another origin. */
async function receivers(count: number, behaviour: Behaviour): Promise<Receiver[]> {
  const started = await Promise.all(Array.from({ length: count }, () => Receiver.start({ behaviour })));
  onTestFinished(async () => void (await Promise.all(started.map((receiver) => receiver.close()))));
  return started;
}

const requestsTo = (list: readonly Receiver[]) => list.flatMap(({ requests }) => requests);

test('creates to 300 healthy endpoints are all delivered before any request to 100 hanging ones ends, with 100 dead ones beside them', {
  timeout: 180_000,
}, async () => {
  const healthy = await receivers(ENDPOINTS - HANGING - DEAD, answer(200));
  const hanging = await receivers(HANGING, neverAnswer);
  const dead = await receivers(DEAD, answer(200));
  await Promise.all(dead.map((receiver) => receiver.close()));
  const user = await api().newUser();
  const calls = await api().stack.addCalls(CREATES, user.userId);
  // Mixed: 7 and 500 have no common divisor.
  const endpoints = [...healthy, ...hanging, ...dead];
  const endpointOf = (index: number) => endpoints[(index * 7) % ENDPOINTS] as Receiver;
  const answers = await Promise.all(
    calls.map((callId, index) =>
      user.post(
        '/v1/postcall/webhooks/create',
        { call_ids: [callId], webhook_url: endpointOf(index).url },
        { prefer: 'wait=0' },
      ),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  const toHealthy = calls.filter((_, index) => healthy.includes(endpointOf(index)));
  const taken = () => requestsTo(healthy).map(({ callId }) => callId);
  await expect.poll(() => taken().length, { timeout: 60_000 }).toBe(toHealthy.length);
  expect(taken().sort()).toEqual([...toHealthy].sort());
  // The hanging ones were asked, and none of their requests has ended: nobody waited for them.
  const each = CREATES / ENDPOINTS;
  await expect.poll(() => hanging.reduce((sum, { inFlight }) => sum + inFlight, 0)).toBe(HANGING * each);
  const delivered = await send(`${api().url}/v1/postcall/webhooks/${toHealthy[0]}`, {
    headers: { authorization: user.key },
  });
  expect(delivered.body.data.metadata).toMatchObject([{ response_code: 200 }]);
});
