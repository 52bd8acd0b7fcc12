import { describe, expect, test } from 'vitest';
import { send, userWith } from '../support/api.js';
import { answer, neverAnswer } from '../support/behaviours.js';
import { Program } from '../support/program.js';
import { sharedTestStack } from '../support/stack.js';

const KEY = 'a-key-for-the-first-start';

const stackOf = sharedTestStack();

/** The API's process beside a worker in this one, on one embedded database. */
async function running() {
  const stack = stackOf();
  const program = Program.run('api/main.js', [], {
    NODE_ENV: 'production',
    ...stack.environment,
    POSTCALL_API_KEYS: `acme:${KEY}`,
    PORT: '0',
  });
  await program.printed('the API runs');
  const [, url = ''] = /"url":"([^"]+)"/.exec(program.output) ?? [];
  return { stack, program, url, user: userWith(url, 'acme', KEY) };
}

describe('npm run api', () => {
  test('serves the API with the keys of its first start, and process metrics', async () => {
    const { stack, url, user } = await running();
    const call_ids = await stack.addCalls(1, 'acme');
    const { status, body } = await user.post('/v1/postcall/webhooks/create', {
      call_ids,
      webhook_url: stack.receiver.url,
    });
    expect([status, body.data[0].status]).toEqual([200, 'delivered']);
    expect((await send(`${url}/metrics`)).text).toContain('process_cpu_seconds_total');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('answers what is in flight on %s, and exits with 0', async (signal) => {
    const { stack, program, user } = await running();
    const call_ids = await stack.addCalls(1, 'acme');
    stack.receiver.behaviour = neverAnswer;
    const waiting = user.post(
      '/v1/postcall/webhooks/create',
      { call_ids, webhook_url: stack.receiver.url },
      { prefer: 'wait=60' },
    );
    const [call = ''] = call_ids;
    await expect.poll(() => stack.receiver.requestsOf(call).length).toBe(1);
    program.signal(signal);
    expect((await waiting).status).toBe(202);
    expect(await program.exited).toMatchObject({ code: 0 });
    expect(program.output).toContain('the API has stopped');
    stack.receiver.requestsOf(call)[0]?.socket.destroy();
    stack.receiver.behaviour = answer(200);
  });

  test('says what is wrong with its configuration, and exits with 1', async () => {
    const program = Program.run('api/main.js', [], { PORT: 'x', POSTCALL_API_KEYS: 'acme' });
    expect(await program.exited).toMatchObject({ code: 1 });
    expect(program.output).toContain('PORT must be a port');
    expect(program.output).toContain('POSTCALL_API_KEYS must be user_id:key pairs');
    expect(program.output).not.toContain('    at ');
  });
});
