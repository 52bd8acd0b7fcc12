import { createRequire } from 'node:module';

/** By the package's own name: the file lies elsewhere for the sources than for the build. */
const manifest = createRequire(import.meta.url)('postcall-webhooks/package.json') as { version: string };

/** As in package.json. */
export const version = manifest.version;
