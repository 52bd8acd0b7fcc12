import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type BatchHandle, PostcallClient } from '../../../client/index.js';
import { freePort } from '../../../contract/free-port.js';
import { type CreateRequest, type ResendRequest, workflowIdOf } from '../../../contract/index.js';
import { type Answer, type ApiUser, openTestApi, userWith } from '../../support/api.js';
import { answer, type Behaviour } from '../../support/behaviours.js';
import { Receiver } from '../../support/receiver.js';
import { freshUser, sharedTestStack } from '../../support/stack.js';

const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_ATTEMPT_TIMEOUT: '30s' } });

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

/** Hands requests on only when as many have come as are expected: then they share a workflow, whatever way they took. */
class GatheringClient extends PostcallClient {
  #expected = 1;
  #waiting: (() => void)[] = [];

  expect(count: number): void {
    this.#expected = count;
  }

  override async create(request: CreateRequest): Promise<BatchHandle> {
    await this.#all();
    return super.create(request);
  }

  override async resend(request: ResendRequest): Promise<BatchHandle> {
    await this.#all();
    return super.resend(request);
  }

  #all(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < this.#expected) return;
      for (const handOn of this.#waiting.splice(0)) handOn();
      this.#expected = 1;
    });
  }
}

let gathering: GatheringClient;
let url = '';

beforeAll(async () => {
  const { connection, taskQueue } = stack();
  gathering = new GatheringClient({ connection, taskQueue });
  const api = await openTestApi(stack(), { client: gathering });
  url = api.url;
  return async () => {
    await api.app.close();
    await gathering.close();
  };
});

/** Makes requests that share a workflow, and resolves to their answers. */
async function together(requests: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
  gathering.expect(requests.length);
  const answers = await Promise.all(requests.map((request) => request()));
  const workflows = answers.map(batchOf).filter((batchId) => batchId !== '');
  expect(new Set(workflows.map(workflowIdOf)).size).toBe(1);
  return answers;
}

async function userWithCalls(count: number): Promise<{ user: ApiUser; calls: string[] }> {
  const userId = freshUser();
  const { key } = await stack().store.createApiKey(userId);
  return { user: userWith(url, userId, key), calls: await stack().addCalls(count, userId) };
}

describe('requests that share a workflow', () => {
  test('are answered each for itself: one to an endpoint that hangs delays none of the others', async () => {
    const { endpoint, open } = await held();
    const quick = await receiver(answer(200));
    const { user, calls } = await userWithCalls(30);
    let isSlowAnswered = false;
    const create = (callId: string, { url }: Receiver) => user.post(CREATE, { call_ids: [callId], webhook_url: url });
    const [slowCall = '', ...quickCalls] = calls;
    gathering.expect(calls.length);
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

    const answers = await together([
      create(twice),
      create(twice),
      resend(resent),
      resend(resent),
      create(both),
      resend(both),
    ]);
    // Which of two came first is not said: one is answered as the first, the other as the second.
    const pair = (from: number) => answers.slice(from, from + 2).sort((a, b) => a.status - b.status);
    expect(pair(0).map(({ status }) => status)).toEqual([200, 400]);
    expect(pair(0).flatMap(errorsOf)).toEqual([`call ${twice} already has a webhook; resend sends it again`]);
    expect(pair(2).map(({ status }) => status)).toEqual([200, 400]);
    expect(pair(2).flatMap(errorsOf)).toEqual([`the webhook of call ${resent} is still being delivered`]);
    expect(answers.slice(4).map(({ status }) => status)).toEqual([200, 400]);
    expect(answers.slice(4).flatMap(errorsOf)).toEqual([
      expect.stringMatching(/is still being delivered|has no webhook to send again/),
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
