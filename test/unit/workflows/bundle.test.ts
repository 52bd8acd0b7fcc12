import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The SDK's own and what it needs. Whatever else appears here has come through an import of the contract or of activities. */
const PACKAGES = ['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'];

/** The files that a bundle was made of, as its source map names them. */
function sourcesOf(code: string): string[] {
  const [, base64 = ''] = /sourceMappingURL=data:[^,]*,([\w+/=]+)/.exec(code) ?? [];
  const { sources } = JSON.parse(Buffer.from(base64, 'base64').toString()) as { sources: string[] };
  return sources;
}

const packageOf = (source: string): string | undefined => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1];

const roomOf = (source: string): string | undefined =>
  source.startsWith(ROOT) ? source.slice(ROOT.length).split('/')[0] : undefined;

const distinct = (names: (string | undefined)[]): string[] =>
  [...new Set(names.filter((name) => name !== undefined))].sort();

describe('the workflow bundle', { timeout: 120_000 }, () => {
  test('holds the workflows, the light part of the contract, and of packages only the SDK', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: `${ROOT}workflows/index.ts`,
      payloadConverterPath: `${ROOT}workflows/payload-converter.ts`,
      logger: new DefaultLogger('WARN'),
    });
    const sources = sourcesOf(code);
    expect(distinct(sources.map(packageOf))).toEqual(PACKAGES);
    const own = sources.filter((source) => packageOf(source) === undefined);
    expect(distinct(own.map(roomOf))).toEqual(['contract', 'workflows']);
  });
});
