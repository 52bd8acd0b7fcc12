import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Kinds of tests, one folder each. Those of one order run at once. A worker loads the modules once for all of its files of a kind: loading
 * the SDK takes longer than most tests.
 */
const project = (
  name: string,
  order: number,
  options: { maxWorkers: number; timeoutSeconds: number; setup: string[] },
) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    isolate: false,
    maxWorkers: options.maxWorkers,
    sequence: { groupOrder: order },
    testTimeout: options.timeoutSeconds * 1_000,
    hookTimeout: options.timeoutSeconds * 1_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    globalSetup: options.setup,
    setupFiles: ['test/properties.ts'],
  },
});

/** They wait for minutes: begun last, they would keep everything waiting. Vitest orders by time only where it has run before. */
const WAITING = ['test/integration/api/long-outage.test.ts', 'test/cluster/absence.test.ts'];
/** Of those that run at once, the kind with the longest files last. */
const KINDS = ['integration', 'e2e', 'faults', 'waiting'];

/** Long files first, and those of one kind together: a worker serves one kind. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    const rank = ({ moduleId, project }: TestSpecification) =>
      KINDS.indexOf(WAITING.some((file) => moduleId.endsWith(file)) ? 'waiting' : project.name);
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => order(a) - order(b) || rank(b) - rank(a));
  }
}

/** Most tests wait for something: so many at once keep two cores busy. */
const AT_ONCE = 4;

const TEMPORAL = 'test/global-setup.ts';
const FAULTS = 'test/faults/global-setup.ts';

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      project('unit', 0, { maxWorkers: 2, timeoutSeconds: 20, setup: [] }),
      project('integration', 1, { maxWorkers: AT_ONCE, timeoutSeconds: 60, setup: [TEMPORAL] }),
      project('e2e', 1, { maxWorkers: AT_ONCE, timeoutSeconds: 240, setup: [TEMPORAL] }),
      project('faults', 1, { maxWorkers: AT_ONCE, timeoutSeconds: 300, setup: [TEMPORAL, FAULTS] }),
      project('deploy', 2, { maxWorkers: 2, timeoutSeconds: 240, setup: [TEMPORAL] }),
      // One of them waits for three minutes, and leaves its core to the others.
      project('cluster', 3, { maxWorkers: 2, timeoutSeconds: 600, setup: [TEMPORAL, FAULTS] }),
      // Not part of `npm test`: it needs Python, and some hundred packages of generators and linters.
      project('clients', 4, { maxWorkers: 1, timeoutSeconds: 300, setup: [TEMPORAL, 'test/clients/install.ts'] }),
    ],
  },
});
