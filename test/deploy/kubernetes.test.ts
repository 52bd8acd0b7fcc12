import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../config/index.js';
import { kubectlValidate, kustomize, mustRun } from '../support/deploy-tools.js';
import { ROOT } from '../support/documents.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const INSTALL_TIMEOUT_MS = 600_000;
const FOLDERS = ['deploy/kubernetes', 'deploy/kubernetes/prometheus-adapter'];
/** The newest one whose schemas the tool brings. */
const KUBERNETES = '1.30';

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds
type KubernetesObject = any;

/** Everything that `kubectl apply -k` would send. */
async function objectsIn(folder: string): Promise<KubernetesObject[]> {
  const text = await mustRun(await kustomize(), ['build', join(ROOT, folder)]);
  return parseAllDocuments(text).map((document) => document.toJS());
}

describe.each(FOLDERS)('%s', (folder) => {
  test('names each of its files', async () => {
    const { resources, configMapGenerator = [] } = parse(
      await readFile(join(ROOT, folder, 'kustomization.yaml'), 'utf8'),
    ) as { resources: string[]; configMapGenerator?: { files: string[] }[] };
    const named = [...resources, ...configMapGenerator.flatMap(({ files }) => files), 'kustomization.yaml'];
    const files = (await readdir(join(ROOT, folder))).filter((name) => name.endsWith('.yaml'));
    expect(files.sort()).toEqual(named.sort());
  });

  test(
    'holds objects that Kubernetes takes',
    async () => {
      const built = join(await temporaryFolder(), 'objects.yaml');
      await writeFile(built, await mustRun(await kustomize(), ['build', join(ROOT, folder)]));
      await mustRun(await kubectlValidate(), ['--version', KUBERNETES, built]);
    },
    INSTALL_TIMEOUT_MS,
  );
});

test(
  'an object with a field that Kubernetes does not know is found',
  async () => {
    const wrong = join(await temporaryFolder(), 'wrong.yaml');
    await writeFile(wrong, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndatas: {}\n');
    await expect(mustRun(await kubectlValidate(), ['--version', KUBERNETES, wrong])).rejects.toThrow('datas');
  },
  INSTALL_TIMEOUT_MS,
);

describe('the objects fit together', async () => {
  const of = (objects: KubernetesObject[], kind: string) => objects.filter((object) => object.kind === kind);
  const podsOf = (objects: KubernetesObject[]) =>
    [...of(objects, 'Deployment'), ...of(objects, 'Job')].map(({ metadata, spec }) => ({
      name: metadata.name as string,
      labels: spec.template.metadata.labels as Record<string, string>,
      spec: spec.template.spec,
    }));
  const matches = (selector: Record<string, string>, labels: Record<string, string>) =>
    Object.entries(selector).every(([name, value]) => labels[name] === value);

  test('every program that a container runs is built', async () => {
    const commands = podsOf(await objectsIn(FOLDERS[0] ?? '')).flatMap(({ spec }) =>
      spec.containers.map((container: KubernetesObject) => container.command),
    );
    const programs = commands.filter((command) => command !== undefined).map(([, path]) => path as string);
    expect(programs.sort()).toEqual(['dist/api/main.js', 'dist/client/cli/main.js']);
    expect(programs.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('every selector selects pods, and every autoscaler a deployment without a number of its own', async () => {
    const objects = await objectsIn(FOLDERS[0] ?? '');
    const pods = podsOf(objects);
    const selectors = [
      ...of(objects, 'PodDisruptionBudget').map(({ spec }) => spec.selector.matchLabels),
      ...of(objects, 'Service').map(({ spec }) => spec.selector),
    ];
    expect(selectors.length).toBe(3);
    for (const selector of selectors) {
      expect(pods.filter(({ labels }) => matches(selector, labels))).toHaveLength(1);
    }
    const deployments = of(objects, 'Deployment');
    const targets = of(objects, 'HorizontalPodAutoscaler').map(({ spec }) => spec.scaleTargetRef.name);
    expect(targets.sort()).toEqual(deployments.map(({ metadata }) => metadata.name).sort());
    expect(deployments.filter(({ spec }) => spec.replicas !== undefined)).toEqual([]);
  });

  test('every probe and policy asks for a port that its container opens', async () => {
    for (const { spec } of podsOf(await objectsIn(FOLDERS[0] ?? ''))) {
      for (const { ports = [], livenessProbe, readinessProbe, startupProbe } of spec.containers) {
        const names = ports.map(({ name }: KubernetesObject) => name);
        const probes = [livenessProbe, readinessProbe, startupProbe].filter((probe) => probe !== undefined);
        for (const { httpGet } of probes) expect(names).toContain(httpGet.port);
      }
    }
  });

  test('a worker gets the time that its attempts take', async () => {
    const [worker] = podsOf(await objectsIn(FOLDERS[0] ?? '')).filter(({ name }) => name === 'postcall-worker');
    const { attemptTimeoutMs } = loadConfig({});
    expect(worker?.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(attemptTimeoutMs + 10_000);
  });

  test('the configuration is one that the programs take', async () => {
    const [config] = of(await objectsIn(FOLDERS[0] ?? ''), 'ConfigMap');
    expect(loadConfig(config.data).temporal.connectionOptions.address).toBe(config.data.TEMPORAL_ADDRESS);
  });

  test("the autoscaler's metric is the one that the adapter serves", async () => {
    const scalers = of(await objectsIn(FOLDERS[0] ?? ''), 'HorizontalPodAutoscaler');
    const wanted = scalers.flatMap(({ spec }) =>
      spec.metrics.flatMap(({ external }: KubernetesObject) => external?.metric.name ?? []),
    );
    const [rules] = of(await objectsIn(FOLDERS[1] ?? ''), 'ConfigMap');
    const { externalRules } = parse(rules.data['rules.yaml']) as { externalRules: { seriesQuery: string }[] };
    expect(wanted).toEqual(externalRules.map(({ seriesQuery }) => seriesQuery));
  });
});
