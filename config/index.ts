export { type Config, InvalidConfigError, loadConfig, type TemporalConfig } from './config.js';
export { createLogger } from './logger.js';
