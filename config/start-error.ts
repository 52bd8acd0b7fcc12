/** Errors that say by themselves what is wrong and what to do. By name: the configuration knows no other room. */
const EXPLAINED = ['InvalidConfigError', 'StoreUnavailableError'];

/** What to print of an error that kept a process from starting: without a stack trace where its message says it all. */
export const startErrorText = (error: unknown): unknown =>
  error instanceof Error && EXPLAINED.includes(error.name) ? error.message : error;
