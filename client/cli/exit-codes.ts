/** Exit codes, for scripts; `postcall --help` lists them. */
export const EXIT = {
  ok: 0,
  /** The command failed, or not every call was delivered. */
  failed: 1,
  /** Wrong usage, or a request that cannot be accepted. */
  usage: 2,
  notFound: 3,
  /** Temporal, a worker or the database does not answer. */
  unavailable: 4,
  /** Ctrl-C, as shells have it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit codes:
  0    done; a batch that was waited for delivered every call
  1    failed, or not every call was delivered
  2    wrong usage or an invalid request; nothing was done
  3    no such batch, call, key or secret
  4    Temporal, a worker or the database does not answer; try again
  130  interrupted; a batch goes on`;
