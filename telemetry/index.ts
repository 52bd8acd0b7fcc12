export { cached } from './cached.js';
export { DeliveryLog } from './delivery-log.js';
export { type HealthServer, startHealthServer } from './health-server.js';
export { ProcessMetrics } from './process-metrics.js';
export type { RequestSpan, RequestTracer } from './request-spans.js';
export {
  isMissingModule,
  openTracing,
  type Tracing,
  type TracingOptions,
  TracingUnavailableError,
  WORKFLOW_INTERCEPTORS,
} from './tracing.js';
