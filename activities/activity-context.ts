import { Context } from '@temporalio/activity';

/** What activities need to know of their execution. */
export interface ActivityContext {
  /** A local activity holds its workflow task open. */
  isLocal: boolean;
  /** The workflow run that waits for it. */
  runId: string;
  heartbeat(): void;
  /** Calls the listener when the execution is canceled. Returns how to listen no more. */
  onCancel(listener: () => void): () => void;
}

/** Of the execution that is under way. */
export function currentContext(): ActivityContext {
  const context = Context.current();
  return {
    isLocal: context.info.isLocal,
    runId: context.info.workflowExecution?.runId ?? '',
    heartbeat: () => context.heartbeat(),
    onCancel: (listener) => {
      const { cancellationSignal } = context;
      cancellationSignal.addEventListener('abort', listener);
      if (cancellationSignal.aborted) listener();
      return () => cancellationSignal.removeEventListener('abort', listener);
    },
  };
}
