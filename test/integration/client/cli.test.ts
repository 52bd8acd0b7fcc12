import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../contract/free-port.js';
import type { Behaviour } from '../../support/behaviours.js';
import { answer, delayed } from '../../support/behaviours.js';
import { openScratchStore } from '../../support/pglite-template.js';
import { sharedTestStack, startScene } from '../../support/stack.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { type CliOptions, jsonLines, runCli } from './run-cli.js';

/** Waiting calls stay where a test wants them; the first probe would come at a random moment of the first interval. */
const stack = sharedTestStack({ environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '24h' } });

/** The command line of a user of the running stack. */
async function startCli(behaviour?: Behaviour) {
  const scene = await startScene(stack(), behaviour);
  const env = { ...scene.environment, POSTCALL_USER_ID: scene.user_id };
  const cli = (args: string[], more: Omit<CliOptions, 'env'> = {}) => runCli(args, { env, ...more });
  const json = async (...args: string[]) => {
    const { exitCode, stdout } = await cli([...args, '--json']);
    return { exitCode, answers: jsonLines(stdout) as Record<string, unknown>[] };
  };
  return { ...scene, cli, json, url: scene.receiver.url };
}

describe('with a running stack', { timeout: 120_000 }, () => {
  test('calls are imported, sent, watched, and looked at', async () => {
    const { cli, json, url } = await startCli();
    const lines = ['c-1', 'c-2'].map((call_id) => JSON.stringify({ call_id, summary: `call ${call_id}` }));
    const imported = await cli(['calls', 'import', '-'], { input: lines.join('\n') });
    expect(imported).toMatchObject({ exitCode: 0, stdout: '2 calls imported, 0 lines refused\n' });

    const created = await json('create', 'c-1', 'c-2', '--url', url, '--watch');
    expect(created.exitCode).toBe(0);
    const [accepted, ...progress] = created.answers;
    expect(progress.at(-1)).toMatchObject({ batch_id: accepted?.batch_id, status: 'completed', delivered: 2 });

    const batchId = String(accepted?.batch_id);
    expect((await json('progress', batchId)).answers).toMatchObject([{ delivered: 2 }]);
    expect(await json('result', batchId)).toMatchObject({ exitCode: 0, answers: [{ delivered: 2, errors: [] }] });
    expect((await json('outcomes', batchId)).answers).toEqual([
      { call_id: 'c-1', status: 'delivered' },
      { call_id: 'c-2', status: 'delivered' },
    ]);
    expect((await json('get', 'c-1')).answers).toMatchObject([
      { call_id: 'c-1', payload: { summary: 'call c-1' }, metadata: [{ response_code: 200, send_type: 'create' }] },
    ]);
    expect((await json('cancel', batchId)).answers).toEqual([{ batch_id: batchId, order: 'cancel', accepted: false }]);
  });

  test('endpoints are shown with what waits for them', async () => {
    const { cli, json, addCalls, url, receiver } = await startCli();
    receiver.behaviour = answer(503);
    await cli(['create', ...(await addCalls(12)), '--url', url]);
    const down = async () => (await json('endpoints', '--state', 'down')).answers;
    await expect.poll(down).toMatchObject([{ url, state: 'down', waiting: 12, last_answer: { response_code: 503 } }]);
    const { exitCode, stdout } = await cli(['endpoints']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/state .* since .* waiting .* last answer .* next probe .* url/);
    expect(stdout).toMatch(/down .* 12 .* 503 at .*Z/);
    expect(stdout).toContain(url);
    expect((await json('endpoints', '--state', 'gone')).answers).toEqual([]);
  });

  test('people read text', async () => {
    const { cli, addCalls, url } = await startCli();
    const file = join(await temporaryFolder(), 'ids.txt');
    await writeFile(file, `${(await addCalls(3)).join('\n')}\n\n`);
    const created = await cli(['create', '--file', file, '--url', url, '--watch']);
    expect(created.exitCode).toBe(0);
    expect(created.stdout).toMatch(/^Batch b_\w+\.\w+ accepted: 3 calls$/m);
    expect(created.stdout).toMatch(/^completed: 3\/3 settled: 3 delivered$/m);
    const batchId = /b_\w+\.\w+/.exec(created.stdout)?.[0] ?? '';
    expect((await cli(['progress', batchId])).stdout).toMatch(/completed +│ 3 /);
    expect((await cli(['result', batchId])).stdout).toBe(`Batch ${batchId} completed: 3 calls: 3 delivered\n`);
    expect((await cli(['outcomes', batchId])).stdout).toContain('delivered  c-0\n');
    expect((await cli(['get', 'c-0'])).stdout).toMatch(/status: +delivered\n.*│ create │ 200 /s);
  });

  test('a batch that is waited for and not delivered whole exits with 1', async () => {
    const { json, url } = await startCli();
    const { exitCode, answers } = await json('create', 'nope', '--url', url, '--wait');
    expect(exitCode).toBe(1);
    expect(answers).toMatchObject([{ rejected: 1, errors: [{ call_id: 'nope', error: 'CallNotFound' }] }]);
  });

  test('waiting calls are steered', async () => {
    const { json, addCalls, url, receiver } = await startCli(answer(500));
    await addCalls(2);
    const { answers } = await json('create', 'c-0', 'c-1', '--url', url);
    const batchId = String(answers[0]?.batch_id);
    const progress = async () => (await json('progress', batchId)).answers[0];
    await expect.poll(progress, { timeout: 30_000 }).toMatchObject({ retrying: 2 });
    expect((await json('pause', batchId)).answers).toMatchObject([{ accepted: true }]);
    await expect.poll(progress, { timeout: 30_000 }).toMatchObject({ status: 'paused' });
    receiver.behaviour = answer(200);
    expect((await json('resume', batchId)).answers).toMatchObject([{ accepted: true }]);
    expect((await json('retry', batchId, 'c-0', 'c-1')).answers).toMatchObject([{ order: 'retry' }]);
    expect(await json('watch', batchId)).toMatchObject({ exitCode: 0 });
  });

  test('failed webhooks are listed and sent again', async () => {
    const { cli, json, addCalls, url, receiver } = await startCli(answer(410));
    await addCalls(2);
    expect((await json('create', 'c-0', 'c-1', '--url', url, '--wait')).exitCode).toBe(1);
    const { answers } = await json('failed', '--since', '1h', '--url', url);
    expect(answers.map(({ call_id }) => call_id).sort()).toEqual(['c-0', 'c-1']);
    expect((await cli(['failed', '--since', '1h'])).stderr).toMatch(/^2 failed webhooks since/);

    receiver.behaviour = answer(200);
    const resent = await json('resend', '--failed', '--since', '1h', '--max-in-flight', '1', '--down-after', '5');
    expect(resent).toMatchObject({ exitCode: 0, answers: [{ calls: 2 }] });
    const { batches } = resent.answers[0] as { batches: string[] };
    for (const batchId of batches) expect(await json('result', batchId)).toMatchObject({ exitCode: 0 });
    expect((await json('resend', 'c-0', '--wait')).answers).toMatchObject([{ delivered: 1 }]);
  });

  test('a call is erased, and not sent again', async () => {
    const { cli, json, addCalls, url, receiver } = await startCli();
    await addCalls(1);
    expect((await json('create', 'c-0', '--url', url, '--wait')).exitCode).toBe(0);
    const erased = await cli(['erase', 'c-0']);
    expect(erased).toMatchObject({ exitCode: 0, stderr: '' });
    expect(erased.stdout).toMatch(
      /^call c-0 erased: .* 1 attempts; its webhook stays delivered, and is not sent again\n$/,
    );
    expect((await json('get', 'c-0')).answers).toMatchObject([{ status: 'delivered', payload: {}, metadata: [] }]);
    const { exitCode, answers } = await json('resend', 'c-0', '--wait');
    expect([exitCode, answers]).toMatchObject([1, [{ rejected: 1, errors: [{ error: 'WebhookErased' }] }]]);
    expect(receiver.requests).toHaveLength(1);
    expect((await json('erase', 'nope')).exitCode).toBe(3);
  });

  test('an attempt in flight is waited for before its call is erased', async () => {
    const { json, addCalls, store, user_id, url, receiver } = await startCli(delayed(3_000, answer(200)));
    await addCalls(1);
    await json('create', 'c-0', '--url', url);
    await expect.poll(() => receiver.inFlight).toBe(1);
    const { answers } = await json('erase', 'c-0');
    expect(answers).toMatchObject([{ was: 'pending', status: 'delivered', attempts: 1 }]);
    expect(await store.getWebhook(user_id, 'c-0')).toMatchObject({ payload: null, metadata: [] });
  });

  test('Ctrl-C ends a watch and leaves the batch alone', async () => {
    const { cli, json, addCalls, url } = await startCli(answer(500));
    await addCalls(1);
    const { answers } = await json('create', 'c-0', '--url', url);
    const batchId = String(answers[0]?.batch_id);
    const watch = await cli(['watch', batchId], { interruptAt: 'running' });
    expect(watch.exitCode).toBe(130);
    expect(watch.stderr).toBe('error: interrupted; the batch goes on\n');
    expect((await json('progress', batchId)).answers).toMatchObject([{ status: 'running' }]);
  });

  test('a key under another request is refused with 2', async () => {
    const { cli, url } = await startCli();
    const key = ['--idempotency-key', url];
    expect((await cli(['create', 'c-1', '--url', url, ...key])).exitCode).toBe(0);
    const conflict = await cli(['create', 'c-2', '--url', url, ...key, '--json']);
    expect(conflict.exitCode).toBe(2);
    expect(jsonLines(conflict.stderr)).toMatchObject([{ error: 'IDEMPOTENCY_CONFLICT' }]);
  });

  test('what is not there exits with 3', async () => {
    const { cli } = await startCli();
    const commands = [
      ['progress', 'b_0123.0'],
      ['progress', 'b_0123'],
      ['get', 'nope'],
      ['keys', 'revoke', 'nope'],
      ['secrets', 'revoke', 'nope'],
    ];
    for (const command of commands) {
      const { exitCode, stdout, stderr } = await cli(command);
      expect({ command, exitCode, stdout }).toEqual({ command, exitCode: 3, stdout: '' });
      expect(stderr).toMatch(/^error: .*\n$/);
    }
  });
});

describe('with a store alone', () => {
  /** The store is open here as well: the commands reach it through this process. */
  async function storeCli() {
    const dataDir = await temporaryFolder();
    const store = await openScratchStore({ dataDir });
    onTestFinished(() => store.close());
    const env = { POSTCALL_DATA_DIR: dataDir };
    return (args: string[], input?: string) => runCli(args, { env, ...(input !== undefined && { input }) });
  }

  test('a bad line is named, the others are imported', { timeout: 60_000 }, async () => {
    const cli = await storeCli();
    const input = '{"call_id":"c-1","user_id":"u-1"}\n{"call_id":\n{"call_id":"c-2"}\n';
    const { exitCode, stdout, stderr } = await cli(['calls', 'import', '-'], input);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('1 calls imported, 2 lines refused\n');
    expect(stderr).toMatch(/^line 2: is not JSON: .*\nline 3: has no user_id; .*\n$/);
  });

  test('keys and secrets are created, listed and revoked', { timeout: 60_000 }, async () => {
    const cli = await storeCli();
    const json = async (...args: string[]) => jsonLines((await cli([...args, '--json'])).stdout)[0] as never;
    const key: { key: string; prefix: string } = await json('keys', 'create', '--user-id', 'u-1');
    expect(key.key.startsWith(key.prefix)).toBe(true);
    const listed = await cli(['keys', 'list']);
    expect(listed.stdout).toContain(key.prefix);
    expect(listed.stdout).not.toContain(key.key);
    expect(await json('keys', 'revoke', key.prefix)).toEqual({ prefix: key.prefix, revoked: true });
    expect((await cli(['keys', 'revoke', key.prefix])).exitCode).toBe(3);

    const secret: { id: string; secret: string } = await json('secrets', 'create', '--user-id', 'u-1');
    expect(secret.secret).toMatch(/^whsec_/);
    expect(await json('secrets', 'list')).toMatchObject([{ id: secret.id, user_id: 'u-1', revoked_at: null }]);
    expect(await json('secrets', 'revoke', secret.id)).toEqual({ id: secret.id, revoked: true });
  });

  test('a secret may sign from a later time on, and a revocation says what signs then', {
    timeout: 60_000,
  }, async () => {
    const cli = await storeCli();
    const json = async (...args: string[]) => jsonLines((await cli([...args, '--json'])).stdout)[0] as never;
    const old: { id: string } = await json('secrets', 'create', '--user-id', 'u-1');
    const created = await cli(['secrets', 'create', '--user-id', 'u-1', '--activate-in', '24h']);
    const [, id = '', from = ''] = /^Signing secret (\S+) of u-1, in use from (\S+):$/m.exec(created.stderr) ?? [];
    expect(Date.parse(from) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(created.stdout).toMatch(/^whsec_/);
    expect(await json('secrets', 'list')).toMatchObject([{ id: old.id }, { id, activates_at: from }]);
    const { stderr } = await cli(['secrets', 'revoke', old.id]);
    expect(stderr).toBe(`webhooks are NOT signed until ${from}, when ${id} becomes active\n`);
    expect((await cli(['secrets', 'create', '--user-id', 'u-1', '--activate-in', '24'])).exitCode).toBe(2);
    const far = await cli(['secrets', 'create', '--user-id', 'u-1', '--activate-in', '400d']);
    expect(far).toMatchObject({ exitCode: 2, stderr: 'error: activate_in_ms must be from 0 to 365 days\n' });
    const third: { id: string } = await json('secrets', 'create', '--user-id', 'u-1');
    expect((await cli(['secrets', 'revoke', id])).stderr).toBe(`webhooks are signed with ${third.id}\n`);
    expect((await cli(['secrets', 'revoke', third.id])).stderr).toMatch(/not signed any more/);
  });

  test('stored values are encrypted with the newest key, and a missing one is named', { timeout: 60_000 }, async () => {
    const dataDir = await temporaryFolder();
    const [one, two] = ['one', 'two'].map((name) => `${name}:${randomBytes(32).toString('base64')}`);
    const cli = (keys: string, args: string[], input = '') =>
      runCli(args, { env: { POSTCALL_DATA_DIR: dataDir, POSTCALL_ENCRYPTION_KEYS: keys }, input });
    const call = (id: string) => `{"call_id":"${id}","user_id":"u-1"}`;
    await cli('', ['calls', 'import', '-'], call('plain'));
    await cli(`${one}`, ['calls', 'import', '-'], call('old'));
    expect(await cli('', ['reencrypt'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: POSTCALL_ENCRYPTION_KEYS is not set: there is no key to encrypt with\n',
    });
    const without = await cli(`${two}`, ['reencrypt']);
    expect(without.exitCode).toBe(4);
    expect(without.stdout).toContain('calls.data: 1 of 2 changed');
    expect(without.stderr).toMatch(/^1 values need the encryption key one:[0-9a-f]{8}, which POSTCALL_ENCRYPTION_KEYS/);
    const moved = await cli(`${two},${one}`, ['reencrypt', '--json']);
    expect(moved.exitCode).toBe(0);
    expect(jsonLines(moved.stdout)).toMatchObject([{ skipped: [], damaged: [] }]);
    expect(moved.stdout).toContain('"column":"calls.data","examined":2,"changed":1');
    expect((await cli(`${two}`, ['reencrypt'])).stdout).toContain('calls.data: 0 of 2 changed');
  });

  test('a prune says how much it removes', { timeout: 60_000 }, async () => {
    const cli = await storeCli();
    const { exitCode, stdout } = await cli(['prune', '--older-than', '90d', '--dry-run', '--json']);
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout)).toEqual([
      { batches: 0, webhooks: 0, finished_before: expect.stringMatching(/Z$/), dry_run: true },
    ]);
    expect((await cli(['prune', '--older-than', '1h'])).stdout).toMatch(/^0 webhooks of 0 batches .* removed\n$/);
  });

  test('a file that is not there is an error without a stack trace', { timeout: 60_000 }, async () => {
    // And here the command opens the embedded database by itself.
    const env = { POSTCALL_DATA_DIR: await temporaryFolder() };
    const { exitCode, stderr } = await runCli(['calls', 'import', 'no-such-file.jsonl'], { env });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: ENOENT.*no-such-file.jsonl'\n$/);
  });
});

describe('with nothing running', () => {
  test('Temporal away exits with 4 and says where it was looked for', { timeout: 30_000 }, async () => {
    const port = String(await freePort());
    const env = { TEMPORAL_PORT: port };
    const { exitCode, stderr } = await runCli(['progress', 'b_1.0', '--json'], { env });
    expect(exitCode).toBe(4);
    expect(jsonLines(stderr)).toMatchObject([{ error: 'SERVICE_UNAVAILABLE' }]);
    expect(stderr).toContain(`127.0.0.1:${port}`);
  });

  test.each<[string[], RegExp]>([
    [[], /^Usage: postcall/],
    [['keys'], /^Usage: postcall keys/],
    [['crate'], /unknown command 'crate'.*Did you mean create/s],
    [['create', 'c-1', '--user-id', 'u'], /required option '--url <url>'/],
    [['create', 'c-1', '--url', 'https://a.example/'], /required option '--user-id <id>'/],
    [['failed', '--user-id', 'u', '--since', 'once'], /must be a duration such as 24h/],
    [['resend', '--user-id', 'u', '--failed'], /since is required with --failed/],
    [['resend', '--user-id', 'u', '--failed', '--since', '1h', '--wait'], /--failed.* cannot be used with .*--wait/],
    [['outcomes', 'b_1.0', '--status', 'lost'], /Allowed choices are pending/],
    [['prune'], /required option '--older-than <time>'/],
    [['prune', '--older-than', '90'], /must be a duration such as 24h/],
    [['create', '--user-id', 'u', '--url', 'https://a.example/'], /call_ids must name at least one call/],
  ])('wrong usage %j exits with 2', async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a bad variable of the environment exits with 2 and is named', async () => {
    const { exitCode, stderr } = await runCli(['progress', 'b_1.0'], { env: { POSTCALL_MAX_IN_FLIGHT: 'many' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('POSTCALL_MAX_IN_FLIGHT');
  });

  test('help lists commands, exit codes and variables, and the version is the package’s', async () => {
    const { exitCode, stdout } = await runCli(['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['create', 'resend', 'watch', 'Exit codes:', 'TEMPORAL_ADDRESS']) expect(stdout).toContain(word);
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await runCli(['create', '--help'])).stdout).toContain('--json');
  });
});
