import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { type ApiUser, sharedApi } from '../support/api.js';
import { answer } from '../support/behaviours.js';
import { samplesOf } from '../support/scrape.js';
import { run } from './run.js';

/** For each operation and kind of data. More are for those who look for something: FUZZ_EXAMPLES=500 npm run test:fuzz */
const EXAMPLES = process.env.FUZZ_EXAMPLES ?? '15';
const SEED = process.env.FUZZ_SEED ?? '1';
/** Which checks are left out of which operation, and why. */
const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url));

interface Operation {
  operationId: string;
  parameters?: { name: string; example?: unknown }[];
  requestBody?: { content: Record<string, { example: unknown }> };
}
type Document = { paths: Record<string, Record<string, Operation>> };

const api = sharedApi({
  environment: { POSTCALL_RETRY_SCHEDULE: '1h', CALLS_GRACE: '0s' },
  rateLimit: 1_000_000,
});

/** Creates a webhook for a new call, which its endpoint answers so. */
async function createWebhook(user: ApiUser, status: number) {
  const { addCalls, receiver } = api().stack;
  const [call_id = ''] = await addCalls(1, user.userId);
  receiver.behaviour = answer(status);
  const request = { call_ids: [call_id], webhook_url: receiver.url };
  const { body } = await user.post('/v1/postcall/webhooks/create', request);
  receiver.behaviour = answer(200);
  return { call_id, batch_id: body.data[0].batch_id };
}

/** Puts an example of a real batch, call and URL into each operation, so that each can succeed. */
async function addExamples({ paths }: Document, user: ApiUser): Promise<void> {
  const { addCalls, receiver } = api().stack;
  await createWebhook(user, 410);
  const delivered = await createWebhook(user, 200);
  const bodies: Record<string, unknown> = {
    createWebhooks: { call_ids: await addCalls(1, user.userId), webhook_url: receiver.url },
    resendWebhooks: { call_ids: [delivered.call_id] },
  };
  const usual = { prefer: 'wait=5', since: '1h', url: receiver.url };
  for (const { operationId, parameters = [], requestBody } of Object.values(paths).flatMap(Object.values<Operation>)) {
    const isOfBatch = parameters.some(({ name }) => name === 'batch_id');
    // A batch of its own for each order.
    const waiting = isOfBatch ? await createWebhook(user, 404) : delivered;
    const values: Record<string, unknown> = { ...usual, ...waiting, 'idempotency-key': randomUUID() };
    for (const parameter of parameters) if (parameter.name in values) parameter.example = values[parameter.name];
    const [media] = Object.values(requestBody?.content ?? {});
    if (media && bodies[operationId]) media.example = bodies[operationId];
  }
}

/** How often the API has answered so: by `POST /v1/postcall/batches/{batch_id}/retry 200` and the like. */
async function countAnswers(user: ApiUser): Promise<Map<string, number>> {
  const samples = samplesOf((await user.get('/metrics')).text);
  const counts = samples.filter(({ name }) => name === 'postcall_http_request_duration_seconds_count');
  return new Map(
    counts.map(({ labels: { method, route = '', status }, value }) => [
      `${method} ${route.replaceAll(/:(\w+)/g, '{$1}')} ${status}`,
      value,
    ]),
  );
}

test('schemathesis finds no server error and no answer that the document does not describe', async () => {
  const { url, newUser } = api();
  const [owner, other] = [await newUser(), await newUser()];
  const folder = await mkdtemp(join(tmpdir(), 'postcall-fuzz-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const document: Document = (await owner.get('/openapi.json')).body;
  await addExamples(document, owner);
  await writeFile(join(folder, 'openapi.json'), JSON.stringify(document));
  const auth = Object.entries({ owner, other }).map(([name, { key }]) => ({
    name,
    fixedHeaders: [{ name: 'authorization', value: key }],
  }));
  await writeFile(join(folder, 'users.json'), JSON.stringify({ auth }));
  const before = await countAnswers(owner);

  const amount = ['--max-examples', EXAMPLES, '--seed', SEED, '--request-timeout', '30', '--continue-on-failure'];
  const args = ['--config-file', CONFIG, 'run', 'openapi.json', '--url', url, ...amount];
  await run('schemathesis', args, { cwd: folder, tools: inject('clientTools') });

  const after = await countAnswers(owner);
  const answers = [...after].flatMap(([text, count]) => (count > (before.get(text) ?? 0) ? [text] : []));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) {
      const operation = `${method.toUpperCase()} ${path}`;
      expect(answers, operation).toContainEqual(expect.stringContaining(`${operation} 2`));
    }
  }
  expect(answers.filter((text) => / 5..$/.test(text))).toEqual([]);
});
