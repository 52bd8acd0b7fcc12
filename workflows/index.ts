export { deliverWebhooks } from './deliver-webhooks.js';
export { findFailedWebhooks, resendFailedWebhooks } from './failed-webhooks.js';
