export { seedApiKeys } from './seed-api-keys.js';
export { type ApiOptions, createApi } from './server.js';
export { type RunningApi, type StartApiOptions, startApi } from './start.js';
