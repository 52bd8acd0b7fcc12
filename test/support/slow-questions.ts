import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** Some ten milliseconds: local activities end meanwhile. */
const TURNS = 10_000_000;

/** Makes every query take its time. The workflow's clock stands still meanwhile, so turns are counted. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      handleQuery: (input, next) => {
        let sum = 0;
        for (let turn = 0; turn < TURNS; turn += 1) sum = (sum * 7 + turn) | 0;
        if (sum === 0.5) throw new Error('never');
        return next(input);
      },
    },
  ],
});
