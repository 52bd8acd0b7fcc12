import { msToNumber } from '@temporalio/common';
import { z } from 'zod';

/** A variable that may be unset; the key is always present in the result. */
export const optional = <T extends z.ZodType>(schema: T) => schema.optional();

export const wholeNumber = (fallback: number, { min, max }: { min: number; max: number }) =>
  number(`must be a whole number from ${min} to ${max}`, min, max).default(fallback);

export const port = (fallback?: number) => {
  const schema = number('must be a port from 0 to 65535', 0, 65_535);
  return fallback === undefined ? schema : schema.default(fallback);
};

const number = (message: string, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);

/** `true` or `false`. Unset: false. */
export const flag = () =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((value) => value === 'true');

/** Comma-separated values. Unset: none. */
export const list = <T extends z.ZodType<string, string>>(item: T) =>
  z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

const milliseconds = (value: string): number | undefined => {
  try {
    return msToNumber(value as Parameters<typeof msToNumber>[0]);
  } catch {
    // msToNumber throws for what it cannot read: the schema below says so in its own words.
    return undefined;
  }
};

const DURATION_RULE = 'must be a duration such as 500ms, 15s, 2m or 72h';

const durationFrom = (min: number) =>
  z.string().transform((value, context) => {
    const ms = milliseconds(value);
    if (ms !== undefined && ms >= min) return ms;
    context.addIssue({ code: 'custom', message: DURATION_RULE });
    return z.NEVER;
  });

const durationText = durationFrom(1);

/** A duration in milliseconds, written as `15s`; 0 only where `min` is 0. */
export const duration = (fallback: string, { min = 1, max }: { min?: 0 | 1; max: number }) =>
  z
    .string()
    .default(fallback)
    .pipe(durationFrom(min))
    .refine((ms) => ms <= max, `must be at most ${max / 1_000}s`);

/** Comma-separated durations in milliseconds; at least one. */
export const durations = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(z.array(durationText));
