import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';

/** Asked all day by machines. */
const QUIET = ['/healthz', '/readyz', '/metrics'];

/** Without its query: the filters in it may hold a webhook URL's secrets. */
const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? url;

/** One line for each request, at its end; no headers, no bodies. */
export class AccessLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' });
  }

  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const path = pathOf(request);
    const line = {
      method: request.method,
      path,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(request.caller && { user_id: request.caller.userId }),
      ...(request.accepted && { batch_id: request.accepted.batchId }),
      ...(error && { err: error }),
    };
    if (QUIET.includes(path)) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  }
}
