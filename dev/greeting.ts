import { resolve } from 'node:path';
import type { Config } from '../config/index.js';
import { DEVELOPMENT_USER } from './development-key.js';
import { sampleCalls } from './sample-calls/index.js';
import type { Stack } from './stack.js';

export interface GreetingOptions {
  config: Config;
  stack: Stack;
  apiKey: string;
  /** Whether the sample calls have just been imported. */
  imported: boolean;
}

/** What `npm start` prints once everything runs: where it is, and what to do first. */
export function greeting({ config, stack, apiKey, imported }: GreetingOptions): string {
  const facts: [string, string | undefined][] = [
    ['API', stack.apiUrl],
    ['API key', `${apiKey} (user "${DEVELOPMENT_USER}")`],
    ['Web UI', stack.uiUrl],
    ['Temporal', stack.temporalAddress],
    ['Database', config.databaseUrl === undefined ? `PGlite in ${resolve(config.dataDir)}` : 'PostgreSQL'],
  ];
  const lines = facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(10)}${value}`]));
  lines.push('');
  if (imported) lines.push(...firstSteps());
  if (config.allowNetworks.length === 0) {
    lines.push('Endpoints on this machine are refused; POSTCALL_ALLOW_NETWORKS=127.0.0.0/8 allows them.');
  }
  lines.push('Ctrl-C stops everything; the next start goes on where it stopped.');
  return `\nready\n\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}

function firstSteps(): string[] {
  const calls = sampleCalls();
  return [
    `${calls.length} sample calls of user "${DEVELOPMENT_USER}" have been imported. Create a webhook for one of them:`,
    `  npx postcall create --user-id ${DEVELOPMENT_USER} --url https://example.com/hook ${calls[0]?.call_id}`,
  ];
}
