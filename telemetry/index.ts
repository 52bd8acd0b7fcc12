export { DeliveryLog } from './delivery-log.js';
export { type HealthServer, startHealthServer } from './health-server.js';
export { ProcessMetrics } from './process-metrics.js';
