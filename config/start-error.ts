import { pino } from 'pino';

/** Errors that say by themselves what is wrong and what to do. By name: the configuration knows no other room. */
const EXPLAINED = ['InvalidConfigError', 'StoreUnavailableError', 'TracingUnavailableError'];

/**
 * Tells of an error that kept a process from starting, without a stack trace where its message says it all: one JSON line in production, as
 * all of its log. The environment, and not the configuration: that may be what is wrong.
 */
export function reportStartError(error: unknown, { NODE_ENV }: { NODE_ENV?: string | undefined }): void {
  const isExplained = error instanceof Error && EXPLAINED.includes(error.name);
  if (NODE_ENV !== 'production') console.error(isExplained ? error.message : error);
  else if (isExplained) pino().fatal({ error: error.name }, error.message);
  else pino().fatal({ err: error }, 'the process ends with an error');
}
