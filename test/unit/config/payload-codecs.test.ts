import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPayloadCodecs } from '../../../config/index.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CODEC = '{ encode: async (payloads) => payloads, decode: async (payloads) => payloads }';

async function moduleOf(text: string): Promise<string> {
  const file = join(await temporaryFolder(), 'codecs.mjs');
  await writeFile(file, text);
  return file;
}

describe('payload codecs', () => {
  it('are none where no module is named', async () => {
    expect(await loadPayloadCodecs(undefined)).toEqual([]);
  });

  it.each([
    ['one', `export default ${CODEC}`, 1],
    ['several', `export default [${CODEC}, ${CODEC}]`, 2],
  ])('are the default export: %s', async (_, text, count) => {
    const codecs = await loadPayloadCodecs(await moduleOf(text));
    expect(codecs).toHaveLength(count);
    expect(await codecs[0]?.decode([{ data: new Uint8Array([1]) }])).toEqual([{ data: new Uint8Array([1]) }]);
  });

  it.each([
    [
      'that is not there',
      async () => './no-such-module.mjs',
      /POSTCALL_CODEC_MODULE .*cannot be loaded: Cannot find module/,
    ],
    ['that fails', () => moduleOf('throw new Error("no key")'), /cannot be loaded: no key/],
    ['without codecs', () => moduleOf('export const codec = {}'), /must have a payload codec/],
    ['with no codec at all', () => moduleOf('export default []'), /must have a payload codec/],
    ['of half a codec', () => moduleOf('export default { encode() {} }'), /must have a payload codec/],
  ])('are refused from a module %s', async (_, module, message) => {
    await expect(loadPayloadCodecs(await module())).rejects.toThrow(message);
  });
});
