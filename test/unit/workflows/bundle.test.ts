import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { workflowInterceptorModules } from '../../../worker/traced-workflows.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The SDK's own and what it needs. Whatever else appears here has come through an import of the contract or of activities. */
const PACKAGES_OF_SPANS = ['@opentelemetry/', '@temporalio/interceptors-opentelemetry'];
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
  const sourcesWith = async (workflowInterceptorModules: string[]) => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: `${ROOT}workflows/index.ts`,
      payloadConverterPath: `${ROOT}workflows/payload-converter.ts`,
      workflowInterceptorModules,
      logger: new DefaultLogger('WARN'),
    });
    return sourcesOf(code);
  };

  test('with spans holds besides what makes them, and no module of Node.js', async () => {
    const sources = await sourcesWith(workflowInterceptorModules());
    const packages = distinct(sources.map(packageOf));
    expect(packages).toContain('@temporalio/interceptors-opentelemetry');
    const isOfSpans = (name: string) => PACKAGES_OF_SPANS.some((prefix) => name.startsWith(prefix));
    expect(packages.filter((name) => !isOfSpans(name))).toEqual(PACKAGES);
    const external = sources.filter((source) => source.includes('external '));
    expect(external.filter((source) => builtinModules.some((name) => source.includes(`"${name}"`)))).toEqual([]);
  });

  test('holds the workflows, the light part of the contract, and of packages only the SDK', async () => {
    const sources = await sourcesWith([]);
    expect(distinct(sources.map(packageOf))).toEqual(PACKAGES);
    const own = sources.filter((source) => packageOf(source) === undefined);
    expect(distinct(own.map(roomOf))).toEqual(['contract', 'workflows']);
  });
});
