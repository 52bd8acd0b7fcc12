import { createHmac, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { Receiver } from '../../support/receiver.js';
import { answered, PAYLOAD, startSender } from './sender.js';

const newSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

describe('a request', () => {
  it('is one POST to the path and query of the URL', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    await expect(send(receiver.urlFor('127.0.0.1', '/a%20b/ü?x=1&y=#fragment'))).resolves.toEqual(answered(200));
    expect(receiver.requests.map(({ method, path }) => [method, path])).toEqual([['POST', '/a%20b/%C3%BC?x=1&y=']]);
  });

  it.each([
    ['unicode', PAYLOAD],
    ['spacing and escapes', '{ "a" : "\\u00e9\\n" ,"b":[1.0, 2e3] }'],
    ['many bytes', JSON.stringify({ call_id: 'big', transcript: '€'.repeat(1_000_000) })],
  ])('carries exactly the bytes of the payload (%s)', async (_what, payload) => {
    await using receiver = await Receiver.start();
    const send = startSender();
    await send(receiver.url, { payload });
    expect(receiver.requests[0]?.body.equals(Buffer.from(payload, 'utf8'))).toBe(true);
  });

  it('has the headers that the API documents, and no others', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    const before = Math.floor(Date.now() / 1_000);
    await send(receiver.url, { webhook_id: 'msg_7' });
    const { 'webhook-timestamp': timestamp, ...headers } = receiver.requests[0]?.headers ?? {};
    expect(headers).toEqual({
      host: `127.0.0.1:${receiver.port}`,
      connection: 'keep-alive',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(PAYLOAD)),
      'user-agent': 'postcall-webhooks/test',
      'webhook-id': 'msg_7',
    });
    expect(Number(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  it('is signed so that each active secret verifies it', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    const secrets = [newSecret(), newSecret()];
    await send(receiver.url, { secrets });
    const [request] = receiver.requests;
    const headers = request?.headers as Record<string, string>;
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(request?.body.toString() ?? '', headers)).toEqual(JSON.parse(PAYLOAD));
    }
    const bland = createHmac('sha256', secrets[0] ?? '')
      .update(request?.body ?? '')
      .digest('hex');
    expect(headers['x-webhook-signature']).toBe(bland);
  });

  it('keeps its connection for later ones', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    for (let count = 0; count < 10; count++) await send(receiver.url);
    expect(receiver.requests).toHaveLength(10);
    // undici rests a connection for one turn of the event loop before it uses it again.
    expect(receiver.connections).toBeLessThanOrEqual(2);
  });

  it('that cannot be made at all rejects, and is no attempt', async () => {
    await using receiver = await Receiver.start();
    const send = startSender();
    await expect(send(receiver.url, { webhook_id: 'a\nb' })).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    await expect(send('not a URL')).rejects.toThrow(TypeError);
    expect(receiver.requests).toHaveLength(0);
  });
});
