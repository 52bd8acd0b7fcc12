export { type Config, InvalidConfigError, loadConfig, type TemporalConfig } from './config.js';
export { createLogger, installRuntime } from './logging.js';
export { type RunningWorker, startWorker, type WorkerDependencies } from './worker.js';
