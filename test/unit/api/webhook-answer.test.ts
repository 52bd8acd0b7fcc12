import Fastify, { type FastifyReply } from 'fastify';
import { expect, test } from 'vitest';
import { sendPage, sendWebhook, sendWebhooks } from '../../../api/answers/webhooks.js';
import type { StoredWebhook } from '../../../contract/index.js';

/** What a parser would change: a number beyond a double's precision, a trailing zero, a key that occurs twice, an escape. */
const PAYLOAD = '{"id":12345678901234567890, "price":1.10,"a":1,"a":2,"text":"\\u00e9"}';

const webhook = (call_id: string, payload: string | null = PAYLOAD): StoredWebhook => ({
  call_id,
  payload,
  url: 'https://a.example/',
  user_id: 'u-1',
  created_at: '2026-01-01T00:00:00.000Z',
  metadata: [],
  status: 'pending',
  next_attempt_at: null,
  batch_id: 'b_1.0',
  reason: null,
});

async function answered(send: (reply: FastifyReply) => FastifyReply) {
  const app = Fastify();
  app.get('/', async (_request, reply) => send(reply));
  const { body, headers } = await app.inject('/');
  await app.close();
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  return { text: body, value: JSON.parse(body) };
}

async function* pages(...all: StoredWebhook[][]): AsyncGenerator<StoredWebhook[]> {
  yield* all;
}

const callIds = ({ data }: { data: StoredWebhook[] }) => data.map(({ call_id }) => call_id);

test('a webhook shows its payload as the text that is stored, and an empty object before there is one', async () => {
  const { text, value } = await answered((reply) => sendWebhook(reply, webhook('c-"1')));
  expect(text).toContain(`"payload":${PAYLOAD},`);
  expect(value).toMatchObject({ data: { call_id: 'c-"1', status: 'pending' }, errors: null });
  const { value: unread } = await answered((reply) => sendWebhook(reply, webhook('c-1', null)));
  expect(unread.data).toMatchObject({ payload: {} });
});

test('a page has its cursor', async () => {
  const two = [webhook('c-1'), webhook('c-2')];
  const { text, value } = await answered((reply) => sendPage(reply, { webhooks: two, next_cursor: 'a"b' }));
  expect(text.split(PAYLOAD)).toHaveLength(3);
  expect(callIds(value)).toEqual(['c-1', 'c-2']);
  expect(value).toMatchObject({ errors: null, next_cursor: 'a"b' });
  const { value: none } = await answered((reply) => sendPage(reply, { webhooks: [], next_cursor: null }));
  expect(none).toEqual({ data: [], errors: null, next_cursor: null });
});

test.each([
  ['one page', [webhook('c-1')], undefined, ['c-1']],
  ['no webhook', [], undefined, []],
  [
    'several pages',
    [webhook('c-1'), webhook('c-2')],
    [[webhook('c-3')], [webhook('c-4')]],
    ['c-1', 'c-2', 'c-3', 'c-4'],
  ],
  ['pages of which some are empty', [], [[], [webhook('c-3')], []], ['c-3']],
  ['empty pages', [], [[], []], []],
])('%s of webhooks are written in their order, with the errors', async (_, first, rest, expected) => {
  const errors = [{ error: 'invalid_parameter' as const, message: 'call c-9 was not found', call_id: 'c-9' }];
  const { value } = await answered((reply) =>
    sendWebhooks(reply, { first, ...(rest && { rest: pages(...rest) }), errors }),
  );
  expect(callIds(value)).toEqual(expected);
  expect(value.errors).toEqual(errors);
});
