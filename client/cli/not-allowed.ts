import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** By which a server, or Temporal Cloud, says that it will not do this over this connection. */
const NOT_ALLOWED: readonly number[] = [status.PERMISSION_DENIED, status.UNIMPLEMENTED, status.UNAUTHENTICATED];

/** The server's own error, where it is that this connection may not do what was asked for. */
export function notAllowed(thrown: unknown): { details: string } | undefined {
  const error = thrown instanceof ServiceError ? thrown.cause : thrown;
  return isGrpcServiceError(error) && NOT_ALLOWED.includes(error.code) ? error : undefined;
}
