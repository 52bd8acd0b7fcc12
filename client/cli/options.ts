import { msToNumber } from '@temporalio/common/lib/time.js';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { type BatchOptions, batchOptionsSchema } from '../../contract/index.js';
import type { Session } from './session.js';

/** `--user-id`, by default POSTCALL_USER_ID; a command without either refuses to run. */
export const userIdOption = (session: Session): Option =>
  withEnvironmentUser(new Option('--user-id <id>', 'the user whose calls these are').makeOptionMandatory(), session);

/** `--user-id` where a command can do without. */
export const optionalUserIdOption = (session: Session, description: string): Option =>
  withEnvironmentUser(new Option('--user-id <id>', description), session);

function withEnvironmentUser(option: Option, { config: { userId } }: Session): Option {
  return userId === undefined ? option : option.default(userId, `${userId}, from POSTCALL_USER_ID`);
}

/** A whole number; its range is checked with the request. */
export function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** A time as ISO 8601, or so long before now: `24h`, `7d`, `90m`. Returns ISO 8601. */
export function parseTime(text: string, now: Date): string {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : now.getTime() - durationOf(text);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError('It must be a duration such as 24h, or an ISO 8601 time.');
}

/** One for all options of a command: from 24h ago until 24h ago is no time. */
const NOW = new Date();

/** {@link parseTime} before now. */
export const parsePastTime = (text: string): string => parseTime(text, NOW);

/** So long from now, in milliseconds: `24h`, `7d`, `90m`. */
export function parseDuration(text: string): number {
  const ms = durationOf(text);
  if (!Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError('It must be a duration such as 24h.');
}

/** NaN for what is no duration. A bare number would be milliseconds, which is never meant. */
function durationOf(text: string): number {
  if (!/^\d+(\.\d+)? ?[a-z]+$/i.test(text)) return Number.NaN;
  try {
    return msToNumber(text as Parameters<typeof msToNumber>[0]);
  } catch {
    return Number.NaN;
  }
}

/** What a request may tune for its batch: an option for each, `--max-in-flight` for `max_in_flight`. */
const NUMBERS: Record<keyof BatchOptions, z.ZodOptional<z.ZodInt>> = batchOptionsSchema.shape;
const TUNING = Object.entries(NUMBERS).map(([field, { description }]) => ({
  field,
  option: new Option(`--${field.replaceAll('_', '-')} <n>`, description).argParser(parseCount),
}));

export const addTuningOptions = (command: Command): Command =>
  TUNING.reduce((extended, { option }) => extended.addOption(option), command);

export const tuningOf = (options: object): BatchOptions =>
  Object.fromEntries(
    TUNING.map(({ field, option }) => [field, options[option.attributeName() as keyof typeof options]]),
  );
