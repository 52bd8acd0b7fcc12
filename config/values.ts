import { msToNumber } from '@temporalio/common/lib/time.js';
import { z } from 'zod';

/** `range` is what the documents say of a variable's values. */
export const wholeNumber = (fallback: number, { min, max }: { min: number; max: number }) =>
  z
    .string()
    .default(String(fallback))
    .pipe(number('a whole number', min, max))
    .meta({ range: `${min} to ${max}` });

export const port = (fallback: number) => z.string().default(String(fallback)).pipe(portNumber);
export const optionalPort = () => portNumber.optional();

const number = (what: string, min: number, max: number) => {
  const message = `must be ${what} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
};

const portNumber = number('a port', 0, 65_535);

/** `true` or `false`. Unset: false. */
export const flag = () =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((value) => value === 'true');

/** `on` or `off`. */
export const onOff = (fallback: 'on' | 'off') =>
  z
    .enum(['on', 'off'], 'must be on or off')
    .default(fallback)
    .transform((value) => value === 'on');

/** Comma-separated values. Unset: none. */
export const list = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .string()
    .optional()
    .transform((value = '') =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

/** Undefined for what is no duration. */
function milliseconds(text: string): number | undefined {
  try {
    return msToNumber(text as Parameters<typeof msToNumber>[0]);
  } catch {
    // msToNumber throws for what it cannot read: the schema below says so in its own words.
    return undefined;
  }
}

const durationFrom = (min: number) =>
  z.string().transform((value, context) => {
    const ms = milliseconds(value);
    if (ms !== undefined && ms >= min) return ms;
    context.addIssue({ code: 'custom', message: 'must be a duration such as 500ms, 15s, 2m or 72h' });
    return z.NEVER;
  });

const durationUpTo = (min: 0 | 1, max: string) => {
  const maxMs = milliseconds(max) ?? Number.NaN;
  return durationFrom(min).refine((ms) => ms <= maxMs, `must be at most ${max}`);
};

/** A duration in milliseconds, written as `15s`, of at most `max`; 0 only where `min` is 0. */
export const duration = (fallback: string, { min = 1, max }: { min?: 0 | 1; max: string }) =>
  z
    .string()
    .default(fallback)
    .pipe(durationUpTo(min, max))
    .meta({ range: `at most ${max}` });

export const optionalDuration = ({ max }: { max: string }) =>
  durationUpTo(1, max)
    .optional()
    .meta({ range: `at most ${max}` });

/** Comma-separated durations in milliseconds; at least one. */
export const durations = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(z.array(durationFrom(1)));

/** Two durations in milliseconds, the shorter one first; one stands for both. */
export const durationRange = (fallback: string, { max }: { max: string }) =>
  durations(fallback)
    .transform(([first = Number.NaN, last = first, ...more], context) => {
      const maxMs = milliseconds(max) ?? Number.NaN;
      if (more.length === 0 && first <= last && last <= maxMs) return { shortest_ms: first, longest_ms: last };
      const message = `must be one duration, or two of which the first is not the longer one, of at most ${max}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({ range: `at most ${max}` });
