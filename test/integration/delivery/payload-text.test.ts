import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CallSource, createHttpCallSource } from '../../../activities/index.js';
import { importCalls } from '../../../client/cli/import-calls.js';
import { linesOf } from '../../../client/cli/lines.js';
import type { Store } from '../../../store/index.js';
import { registerDelivery, startProcess, type TestProcess } from '../../support/activities.js';
import { sharedApi } from '../../support/api.js';
import { type CallText, callLines, callTexts } from '../../support/call-texts.js';

const KEY = `test:${randomBytes(32).toString('base64')}`;
const LARGE = 'x'.repeat(80_000);

/** Texts by call ID: of the HTTP source and of sources in this process. */
const texts = new Map<string, string>();
let http: ReturnType<typeof createHttpCallSource>;

beforeAll(async () => {
  const server = createServer((request, response) => {
    const text = texts.get(decodeURIComponent(request.url?.split('/').at(-1) ?? ''));
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  http = createHttpCallSource({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  return async () => {
    await http.close();
    server.close();
  };
});

const textSource: CallSource = { getCall: async (call_id) => ({ call_id, data: texts.get(call_id) ?? '' }) };
const objectSource: CallSource = {
  getCall: async (call_id) => ({ call_id, data: JSON.parse(texts.get(call_id) ?? '') }),
};

interface Way {
  texts: fc.Arbitrary<CallText>;
  /** Absent: the `calls` table. */
  source?: () => CallSource;
  put?: (store: Store, userId: string, callId: string, text: string) => Promise<unknown>;
  /** Of a text that is given: what is sent. */
  sent?: (text: string) => string;
}

const once = (text: string): string => JSON.stringify(JSON.parse(text));

/** Ways of a call into the product. */
const WAYS: Record<string, Way> = {
  'the HTTP source': { texts: callTexts, source: () => http },
  'a source of the operator’s own, as text': { texts: callTexts, source: () => textSource },
  'a source of the operator’s own, as an object': { texts: callTexts, source: () => objectSource, sent: once },
  'calls import': {
    texts: callLines,
    put: async (store, userId, _callId, text) => {
      const lines = linesOf('-', Readable.from([Buffer.from(`${text}\n`)]));
      const summary = await importCalls(
        lines,
        userId,
        (calls) => store.upsertCalls(calls),
        ({ message }) => {
          throw new Error(message);
        },
      );
      expect(summary).toEqual({ imported: 1, bad: 0 });
    },
  },
  'upsertCalls, as text': {
    texts: callTexts,
    put: (store, user_id, call_id, data) => store.upsertCalls([{ user_id, call_id, data }]),
  },
  'upsertCalls, as an object': {
    texts: callTexts,
    put: (store, user_id, call_id, text) => store.upsertCalls([{ user_id, call_id, data: JSON.parse(text) }]),
    sent: once,
  },
};

describe.each([
  ['in the clear', ''],
  ['encrypted', KEY],
])('a call that is stored %s', (_, keys) => {
  const api = sharedApi({ worker: false, environment: { POSTCALL_ENCRYPTION_KEYS: keys } });

  test.each(Object.entries(WAYS))(
    'and comes by %s is sent, signed and shown as the text that was given',
    { timeout: 120_000 },
    async (_name, way) => {
      const { store, receiver } = api().stack;
      const user = await api().newUser();
      const { secret } = await store.createSigningSecret(user.userId);
      const worker: TestProcess = startProcess({
        store,
        ...(way.source && { calls: { source: way.source() } }),
      });
      const { sent = (text: string) => text } = way;

      const property = fc.asyncProperty(way.texts, fc.boolean(), async (textOf, isLarge) => {
        const webhook_url = receiver.url;
        const input = await registerDelivery(store, { webhook_url, payload: null, user_id: user.userId });
        const { call_id, batch_id } = input;
        const text = isLarge ? textOf(call_id).replace(/\}\s*$/, `,"large":"${LARGE}"}`) : textOf(call_id);
        texts.set(call_id, text);
        await way.put?.(store, user.userId, call_id, text);
        expect(await worker.deliver(input)).toMatchObject({ kind: 'delivered' });

        const expected = sent(text);
        const [request] = receiver.requestsOf(call_id);
        if (!request) throw new Error('nothing has arrived');
        expect(request.body.equals(Buffer.from(expected))).toBe(true);
        new Webhook(secret).verify(expected, request.headers as Record<string, string>);
        const hmac = createHmac('sha256', secret).update(expected).digest('hex');
        expect(request.headers['x-webhook-signature']).toBe(hmac);
        const shown = `"payload":${expected},"url":`;
        for (const path of [`webhooks/${call_id}`, `batches/${batch_id}/webhooks`]) {
          const { status, text: answer } = await user.get(`/v1/postcall/${path}`);
          expect(status).toBe(200);
          expect(answer.includes(shown)).toBe(true);
        }
        texts.delete(call_id);
      });
      await fc.assert(property, { numRuns: 30 });
    },
  );
});
