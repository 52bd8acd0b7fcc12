import type { Logger } from 'pino';
import { type Config, loadConfig } from './config.js';
import { createLogger } from './logger.js';
import { unknownVariableMessage } from './unknown-variables.js';

/** What a program starts with; the log warns of each variable that looks like ours and is not known. @throws InvalidConfigError */
export function configure(environment: NodeJS.ProcessEnv): { config: Config; logger: Logger } {
  const config = loadConfig(environment);
  const logger = createLogger(config);
  for (const name of config.unknownVariables) logger.warn(unknownVariableMessage(name));
  return { config, logger };
}
