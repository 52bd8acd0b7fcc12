import { describe, expect, onTestFinished, test } from 'vitest';
import { workflowIdOf } from '../../../contract/index.js';
import { freePort } from '../../../dev/free-port.js';
import { type Answer, type ApiUser, sharedApi } from '../../support/api.js';
import { answer, type Behaviour } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';

const api = sharedApi({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_ATTEMPT_TIMEOUT: '30s' } });

const CREATE = '/v1/postcall/webhooks/create';
const RESEND = '/v1/postcall/webhooks/resend';

const batchOf = ({ headers }: Answer): string => headers.get('location')?.split('/').at(-1) ?? '';
const errorsOf = ({ body }: Answer): string[] => (body.errors ?? []).map(({ message }: { message: string }) => message);

async function receiver(behaviour: Behaviour): Promise<Receiver> {
  const started = await Receiver.start({ behaviour });
  onTestFinished(() => started.close());
  return started;
}

/** An endpoint that keeps its requests until it is told to answer them. */
async function held() {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  const endpoint = await receiver((request, response) => {
    const give = () => answer(200)(request, response);
    if (isOpen) give();
    else waiting.push(give);
  });
  const open = () => {
    isOpen = true;
    for (const give of waiting) give();
  };
  return { endpoint, open };
}

/** Makes requests of one moment, which share a workflow, and resolves to their answers. */
async function together(requests: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
  const answers = await Promise.all(requests.map((request) => request()));
  const workflows = answers.map((given) => batchOf(given)).filter((batchId) => batchId !== '');
  expect(new Set(workflows.map(workflowIdOf)).size).toBe(1);
  return answers;
}

async function userWithCalls(count: number): Promise<{ user: ApiUser; calls: string[] }> {
  const user = await api().newUser();
  return { user, calls: await api().stack.addCalls(count, user.userId) };
}

describe('requests that share a workflow', () => {
  test('are answered each for itself: one to an endpoint that hangs delays none of the others', async () => {
    const { endpoint, open } = await held();
    const quick = await receiver(answer(200));
    const { user, calls } = await userWithCalls(30);
    let isSlowAnswered = false;
    const create = (callId: string, { url }: Receiver) => user.post(CREATE, { call_ids: [callId], webhook_url: url });
    const [slowCall = '', ...quickCalls] = calls;
    const slow = create(slowCall, endpoint).finally(() => {
      isSlowAnswered = true;
    });
    const quickAnswers = await Promise.all(quickCalls.map((callId) => create(callId, quick)));
    expect(quickAnswers.map(({ status }) => status)).toEqual(quickCalls.map(() => 200));
    expect(isSlowAnswered).toBe(false);
    open();
    expect((await slow).status).toBe(200);
    expect(new Set([...quickAnswers, await slow].map((given) => workflowIdOf(batchOf(given)))).size).toBe(1);
  });

  test('for the same call are as if one had come after the other', async () => {
    const quick = await receiver(answer(200));
    const { user, calls } = await userWithCalls(3);
    const [twice = '', resent = '', both = ''] = calls;
    const create = (callId: string) => () => user.post(CREATE, { call_ids: [callId], webhook_url: quick.url });
    const resend = (callId: string) => () => user.post(RESEND, { call_ids: [callId] });
    expect((await create(resent)()).status).toBe(200);

    const [first, second, third, fourth, fifth, sixth] = await together([
      create(twice),
      create(twice),
      resend(resent),
      resend(resent),
      create(both),
      resend(both),
    ]);
    expect([first, third, fifth].map((given) => given?.status)).toEqual([200, 200, 200]);
    expect([second, fourth, sixth].map((given) => given && errorsOf(given))).toEqual([
      [`call ${twice} already has a webhook; resend sends it again`],
      [`the webhook of call ${resent} is still being delivered`],
      [`the webhook of call ${both} is still being delivered`],
    ]);
    expect(quick.requests.map(({ callId }) => callId).sort()).toEqual([twice, resent, resent, both].sort());
  });

  test('are steered each for itself, and an endpoint that is gone or dead is that request’s alone', async () => {
    const quick = await receiver(answer(200));
    const gone = await receiver(answer(410));
    const failing = await receiver(answer(500));
    const dead = `http://127.0.0.1:${await freePort()}/hook`;
    const { user, calls } = await userWithCalls(6);
    const urls = [quick.url, gone.url, failing.url, failing.url, dead, quick.url];
    const answers = await together(
      urls.map((webhook_url, index) => () => user.post(CREATE, { call_ids: [calls[index]], webhook_url })),
    );
    const batches = answers.map(batchOf);
    const statuses = () =>
      Promise.all(
        batches.map(async (batchId) => {
          const { data } = (await user.get(`/v1/postcall/batches/${batchId}`)).body;
          const standing = ['delivered', 'failed', 'retrying', 'canceled'].find((status) => data[status] === 1);
          return `${data.status} ${standing}`;
        }),
      );
    const order = (index: number, name: string) => user.post(`/v1/postcall/batches/${batches[index]}/${name}`);
    const retrying = 'running retrying';
    const settled = ['completed delivered', 'completed failed', retrying, retrying, retrying, 'completed delivered'];
    await expect.poll(statuses).toEqual(settled);
    await order(2, 'cancel');
    await order(4, 'pause');
    await expect.poll(statuses).toEqual(settled.with(2, 'canceled canceled').with(4, 'paused retrying'));
    failing.behaviour = answer(200);
    await order(3, 'retry');
    await expect
      .poll(statuses)
      .toEqual(settled.with(2, 'canceled canceled').with(3, 'completed delivered').with(4, 'paused retrying'));
    await order(4, 'cancel');
  });

  test('are known to their own user only', async () => {
    const quick = await receiver(answer(200));
    const [one, other] = await Promise.all([userWithCalls(1), userWithCalls(1)]);
    const create = ({ user, calls }: typeof one) => user.post(CREATE, { call_ids: calls, webhook_url: quick.url });
    const [mine, theirs] = await together([() => create(one), () => create(other)]);
    if (!mine || !theirs) throw new Error('two requests have two answers');
    const missing = batchOf(mine).replace(/\.[0-9a-f]+$/, '.00000000');
    for (const path of ['', '/webhooks']) {
      const [forTheirs, forNone] = await Promise.all(
        [batchOf(theirs), missing].map((batchId) => one.user.get(`/v1/postcall/batches/${batchId}${path}`)),
      );
      expect(forTheirs).toMatchObject({ status: 404, body: forNone?.body });
    }
    const canceling = await one.user.post(`/v1/postcall/batches/${batchOf(theirs)}/cancel`);
    expect(canceling.status).toBe(404);
    const own = await other.user.get(`/v1/postcall/batches/${batchOf(theirs)}`);
    expect(own.body.data).toMatchObject({ status: 'completed', delivered: 1 });
  });
});
