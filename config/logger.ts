import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

/** JSON lines in production, readable ones otherwise. */
export function createLogger({ logLevel, production }: Pick<Config, 'logLevel' | 'production'>): Logger {
  if (production) return pino({ level: logLevel });
  return pino({ level: logLevel, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } });
}
