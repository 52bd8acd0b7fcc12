import { proxySinks, type Sinks, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** What a replayed workflow asks for. */
export interface ScheduleSinks extends Sinks {
  schedule: {
    /** `seq`: the number by which its marker is found. */
    localActivity(seq: number, summary: string): void;
  };
}

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { schedule } = proxySinks<ScheduleSinks>();
  return {
    outbound: [
      {
        scheduleLocalActivity: (input, next) => {
          schedule.localActivity(input.seq, input.options.summary ?? '');
          return next(input);
        },
      },
    ],
  };
};
