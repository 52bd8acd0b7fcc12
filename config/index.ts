export { type Config, InvalidConfigError, loadConfig, type TemporalConfig } from './config.js';
export { createLogger } from './logger.js';
export { loadPayloadCodecs } from './payload-codecs.js';
export { startErrorText } from './start-error.js';
export { unknownVariableMessage } from './unknown-variables.js';
