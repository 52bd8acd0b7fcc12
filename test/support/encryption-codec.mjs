import { createCipheriv, createDecipheriv } from 'node:crypto';
import { METADATA_ENCODING_KEY } from '@temporalio/common';
import proto from '@temporalio/proto';

const { temporal } = proto;

const KEY = Buffer.alloc(32, 'a key for tests');
const ENCODING = Buffer.from('binary/encrypted');

/** AES-256-GCM over whole payloads, as an operator would write it: a module for POSTCALL_CODEC_MODULE. */
export default {
  /** @type {import('@temporalio/common').PayloadCodec['encode']} */
  encode: async (payloads) => payloads.map(encrypt),
  /** @type {import('@temporalio/common').PayloadCodec['decode']} */
  decode: async (payloads) => payloads.map(decrypt),
};

/** @param {import('@temporalio/common').Payload} payload */
function encrypt(payload) {
  const nonce = crypto.getRandomValues(Buffer.alloc(12));
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce);
  const text = cipher.update(temporal.api.common.v1.Payload.encode(payload).finish());
  const data = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
  return { metadata: { [METADATA_ENCODING_KEY]: ENCODING }, data };
}

/** @param {import('@temporalio/common').Payload} payload */
function decrypt(payload) {
  if (!ENCODING.equals(payload.metadata?.[METADATA_ENCODING_KEY] ?? Buffer.alloc(0))) return payload;
  const data = payload.data ?? Buffer.alloc(0);
  const decipher = createDecipheriv('aes-256-gcm', KEY, data.subarray(0, 12)).setAuthTag(data.subarray(-16));
  const text = Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]);
  return temporal.api.common.v1.Payload.decode(text);
}
