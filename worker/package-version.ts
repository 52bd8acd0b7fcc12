import { readFileSync } from 'node:fs';

/** The file is beside `worker/` in the sources and one level up from `dist/` in the package. */
const CANDIDATES = ['../package.json', '../../package.json'];

function readVersion(): string {
  for (const candidate of CANDIDATES) {
    const manifest = readManifest(new URL(candidate, import.meta.url));
    if (manifest?.name === 'postcall-webhooks' && manifest.version) return manifest.version;
  }
  throw new Error('package.json of postcall-webhooks is missing: install the package anew');
}

function readManifest(url: URL): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(url, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** As in package.json. */
export const packageVersion = readVersion();
