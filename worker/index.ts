export { type Config, InvalidConfigError, loadConfig, type TemporalConfig } from './config.js';
export { createLogger } from './logger.js';
export { installRuntime } from './runtime.js';
export { type RunningWorker, startWorker, type WorkerDependencies } from './worker.js';
