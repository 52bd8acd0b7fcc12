/** Base of every error that the client throws for what happened to a request; a request that is wrong is an `InvalidRequestError`. */
export abstract class PostcallError extends Error {
  /** Stable, for programs: does not change with the message. */
  abstract readonly code: string;
}
