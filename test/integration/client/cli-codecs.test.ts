import { expect, test } from 'vitest';
import { loadPayloadCodecs } from '../../../config/index.js';
import { ENCRYPTION } from '../../support/codec-module.js';
import { freshUser, startTestStack } from '../../support/stack.js';
import { jsonLines, runCli } from './run-cli.js';

test('the command line reads an encrypted batch with the codec module, and says in one line that it needs one', {
  timeout: 120_000,
}, async () => {
  const stack = await startTestStack({ payloadCodecs: await loadPayloadCodecs(ENCRYPTION) });
  const user_id = freshUser();
  const call_ids = await stack.addCalls(2, user_id);
  const batch = await stack.client.create({ user_id, call_ids, webhook_url: stack.receiver.url });
  await batch.result();

  const env = stack.environment;
  const progress = ['progress', batch.batchId, '--json'];
  const withCodecs = await runCli(progress, { env: { ...env, POSTCALL_CODEC_MODULE: ENCRYPTION } });
  expect(withCodecs).toMatchObject({ exitCode: 0, stderr: '' });
  expect(jsonLines(withCodecs.stdout)).toMatchObject([{ batch_id: batch.batchId, delivered: 2 }]);

  const without = await runCli(progress, { env });
  expect(without).toMatchObject({ exitCode: 1, stdout: '' });
  expect(jsonLines(without.stderr)).toMatchObject([{ error: 'PAYLOAD_ENCODED' }]);
  expect((await runCli(progress.slice(0, 2), { env })).stderr).toMatch(/^error: [^\n]*POSTCALL_CODEC_MODULE[^\n]*\n$/);
});

test('a codec module that cannot be loaded is wrong configuration', { timeout: 60_000 }, async () => {
  const env = { POSTCALL_CODEC_MODULE: './no-such-module.mjs' };
  const { exitCode, stderr } = await runCli(['progress', 'b_1.0'], { env });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^error: POSTCALL_CODEC_MODULE .*no-such-module/);
});

test('a variable that nothing reads is named', { timeout: 60_000 }, async () => {
  const env = { POSTCALL_USER: 'u-1' };
  const { exitCode, stderr } = await runCli(['create', '--url', 'https://a.example/', '--user-id', 'u'], { env });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^warning: POSTCALL_USER is not a variable/);
});
