export type StackErrorCode =
  /** No Temporal CLI was found, and none could be fetched or built. */
  | 'TEMPORAL_CLI_MISSING'
  /** Another process listens on a port that the stack needs. */
  | 'PORT_BUSY'
  /** Another process has the data folder open. */
  | 'DATA_DIR_BUSY'
  /** The Temporal server ended at its start, or did not answer in time. */
  | 'TEMPORAL_SERVER_FAILED'
  /** A part of the stack has ended, or did not work, again and again. */
  | 'RESTARTS_EXHAUSTED';

/** Why the embedded stack could not start. The message is for the person at the terminal and names the remedy. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
