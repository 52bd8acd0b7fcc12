import { fileURLToPath } from 'node:url';

/** Path of a module for POSTCALL_CODEC_MODULE that encrypts. */
export const ENCRYPTION = fileURLToPath(new URL('./encryption-codec.mjs', import.meta.url));
