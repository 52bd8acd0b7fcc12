import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { send, sharedApi } from '../support/api.js';
import { Program } from '../support/program.js';
import { freshUser } from '../support/stack.js';

const run = promisify(execFile);
const api = sharedApi();

describe('examples/backend-service.mjs', () => {
  test('delivers a webhook for each call that ends, once however often it is told', async () => {
    const { stack } = api();
    const userId = freshUser();
    const [call_id = ''] = await stack.addCalls(1, userId);
    const service = Program.run('../examples/backend-service.mjs', [], {
      PORT: '0',
      WEBHOOK_URL: stack.receiver.url,
      ...stack.environment,
    });
    await service.printed(/listening on http/);
    const [, url = ''] = /listening on (\S+)/.exec(service.output) ?? [];
    const tell = (body: string) => send(`${url}/calls/ended`, { method: 'POST', body });

    const [first, again] = [
      await tell(JSON.stringify({ user_id: userId, call_id })),
      await tell(JSON.stringify({ user_id: userId, call_id })),
    ];
    expect([first.status, first.body]).toEqual([202, { batch_id: expect.stringMatching(/^b_/) }]);
    expect(again.body).toEqual(first.body);
    await service.printed(`${first.body.batch_id}: 1 delivered, 0 failed, 0 rejected`);
    expect(stack.receiver.requestsOf(call_id)).toHaveLength(1);

    expect((await tell('{"call_id": 1}')).status).toBe(400);
    expect((await tell('nonsense')).status).toBe(400);
    service.signal('SIGTERM');
    expect(await service.exited).toMatchObject({ code: 0 });
  });
});

describe('examples/curl.sh', () => {
  /** The commands of the script, each on one line. */
  async function commands(): Promise<string[]> {
    const script = await readFile(new URL('../../examples/curl.sh', import.meta.url), 'utf8');
    return script
      .replaceAll('\\\n', '')
      .split('\n')
      .filter((line) => line.startsWith('curl '));
  }

  test('makes requests that all succeed', async () => {
    const { stack, url, newUser } = api();
    const user = await newUser();
    const [call = ''] = await stack.addCalls(1, user.userId);
    const env: Record<string, string> = {
      PATH: process.env.PATH ?? '',
      URL: url,
      KEY: user.key,
      CALL: call,
      WEBHOOK_URL: stack.receiver.url,
    };
    const [create = '', ...rest] = await commands();
    const created = await run('sh', ['-c', `${create} --fail-with-body`], { env });
    const [head = '', body = ''] = created.stdout.split('\r\n\r\n');
    expect(JSON.parse(body).data).toMatchObject([{ call_id: call, status: 'delivered' }]);
    env.BATCH = /^location: .*\/(\S+)/im.exec(head)?.[1] ?? '';

    for (const command of rest) {
      const { stdout } = await run('sh', ['-c', `${command} --fail-with-body`], { env });
      if (command.includes('/v1/')) expect(JSON.parse(stdout).errors, command).toBeNull();
      else expect(stdout, command).not.toBe('');
    }
    expect(stack.receiver.requestsOf(call)).toHaveLength(2);
  });

  test('has a request of every kind', async () => {
    const { paths } = (await send(`${api().url}/openapi.json`)).body;
    const all = (await commands()).join('\n');
    for (const path of Object.keys(paths)) {
      expect(all).toMatch(new RegExp(`\\$URL${path.replaceAll(/\{\w+\}/g, '\\$[A-Z]+')}["?]`));
    }
  });

  test('runs as a whole', async () => {
    const { stack, url, newUser } = api();
    const user = await newUser();
    const [CALL = ''] = await stack.addCalls(1, user.userId);
    const env = {
      PATH: process.env.PATH,
      URL: url,
      KEY: user.key,
      CALL,
      WEBHOOK_URL: stack.receiver.url,
      BATCH: 'b_1',
    };
    const { stdout } = await run('sh', [new URL('../../examples/curl.sh', import.meta.url).pathname], { env });
    expect(stdout).toContain('"status":"ok"');
  });
});
