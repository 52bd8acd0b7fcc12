import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PayloadCodec } from '@temporalio/common';
import { messageOf } from '../contract/message-of.js';
import { InvalidConfigError } from './config.js';

/**
 * The codecs of POSTCALL_CODEC_MODULE, in the order in which they encode; none where it is unset. A path is relative to the working
 * directory, and packages are looked for from there. Throws `InvalidConfigError` when the module cannot be loaded or has no codecs.
 */
export async function loadPayloadCodecs(module: string | undefined): Promise<PayloadCodec[]> {
  if (module === undefined) return [];
  const exported = await load(module);
  const codecs = Array.isArray(exported) ? exported : [exported];
  if (codecs.length > 0 && codecs.every(isCodec)) return codecs;
  throw problem(`must have a payload codec, or an array of them, as its default export: \`encode\` and \`decode\``);
}

async function load(module: string): Promise<unknown> {
  try {
    const loaded = (await import(pathToFileURL(fileOf(module)).href)) as { default?: unknown };
    return loaded.default;
  } catch (error) {
    throw problem(`${JSON.stringify(module)} cannot be loaded: ${messageOf(error)}`);
  }
}

function fileOf(module: string): string {
  const path = resolve(module);
  return existsSync(path) ? path : createRequire(join(process.cwd(), 'package.json')).resolve(module);
}

const isCodec = (value: unknown): value is PayloadCodec =>
  typeof value === 'object' &&
  value !== null &&
  (['encode', 'decode'] as const).every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

const problem = (message: string) => new InvalidConfigError([`POSTCALL_CODEC_MODULE ${message}`]);
