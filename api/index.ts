export { type ApiOptions, createApi } from './server.js';
export { type RunningApi, type StartApiOptions, seedApiKeys, startApi } from './start.js';
