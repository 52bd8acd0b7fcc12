import { pino } from 'pino';

/** Errors that say by themselves what is wrong and what to do. By name: the configuration knows no other room. */
const EXPLAINED = ['InvalidConfigError', 'StoreUnavailableError', 'TracingUnavailableError'];

/**
 * Tells of an error that kept a process from starting; without a stack trace where its message says it all. In production it is one JSON
 * line, as all of the log is. By the environment: the configuration itself may be wrong.
 */
export function reportStartError(error: unknown, { NODE_ENV }: { NODE_ENV?: string | undefined }): void {
  const isExplained = error instanceof Error && EXPLAINED.includes(error.name);
  if (NODE_ENV !== 'production') console.error(isExplained ? error.message : error);
  else if (isExplained) pino().fatal({ error: error.name }, error.message);
  else pino().fatal({ err: error }, 'the process ends with an error');
}
