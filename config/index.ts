export { type Config, InvalidConfigError, loadConfig, type TemporalConfig } from './config.js';
export { configure } from './configure.js';
export { createLogger } from './logger.js';
export { loadPayloadCodecs } from './payload-codecs.js';
export { reportStartError } from './start-error.js';
