import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Kinds of tests, one folder each. They run one kind after the other: two cores do not bear them at once. A worker loads the modules once
 * for all of its files: loading the SDK takes longer than most tests.
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

class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const group = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    const waits = ({ moduleId }: TestSpecification) => WAITING.some((file) => moduleId.endsWith(file));
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => group(a) - group(b) || Number(waits(b)) - Number(waits(a)));
  }
}

const TEMPORAL = 'test/global-setup.ts';
const FAULTS = 'test/faults/global-setup.ts';

export default defineConfig({
  test: {
    sequence: { sequencer: WaitingFirst },
    projects: [
      project('unit', 0, { maxWorkers: 2, timeoutSeconds: 20, setup: [] }),
      project('integration', 1, { maxWorkers: 2, timeoutSeconds: 60, setup: [TEMPORAL] }),
      project('e2e', 2, { maxWorkers: 2, timeoutSeconds: 240, setup: [TEMPORAL] }),
      project('deploy', 5, { maxWorkers: 2, timeoutSeconds: 240, setup: [TEMPORAL] }),
      project('faults', 3, { maxWorkers: 1, timeoutSeconds: 300, setup: [TEMPORAL, FAULTS] }),
      // One of them waits for three minutes, and leaves its core to the others.
      project('cluster', 4, { maxWorkers: 2, timeoutSeconds: 600, setup: [TEMPORAL, FAULTS] }),
      // Not part of `npm test`: it needs Python, and some hundred packages of generators and linters.
      project('clients', 6, { maxWorkers: 1, timeoutSeconds: 300, setup: [TEMPORAL, 'test/clients/install.ts'] }),
    ],
  },
});
