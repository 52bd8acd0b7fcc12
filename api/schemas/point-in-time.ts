import { msToNumber } from '@temporalio/common';
import { z } from 'zod';
import { isUsualTime, NO_TIME } from '../../contract/index.js';

const RULE =
  'must be an ISO 8601 time such as 2026-01-31T09:00:00Z, from 1970 on, or a duration back from now such as 24h';
const DURATION = /^\d{1,9}(ms|s|m|h|d|w)$/;
const isoTime = z.iso.datetime({ offset: true });

/** An ISO 8601 time, or a duration back from now (`30m`, `24h`, `7d`), as it is written; {@link readPeriod} reads it. */
export const pointInTime = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : RULE) })
  .refine((value) => isUsualTime(timeOf(value, Date.now())), RULE)
  .meta({ pattern: `${DURATION.source}|${z.regexes.datetime({ offset: true }).source}` });

interface Period {
  since: string;
  until?: string | undefined;
}

/** Turns both ends to ISO 8601 in UTC, by one clock's reading: `24h` to `24h` is no time, and neither is `0s` to now. */
export function readPeriod<P extends Period>(period: P, context: z.RefinementCtx): P {
  const now = Date.now();
  const since = timeOf(period.since, now);
  const until = period.until === undefined ? undefined : timeOf(period.until, now);
  if (since.getTime() >= (until?.getTime() ?? now)) {
    context.addIssue({ code: 'custom', path: NO_TIME.path, message: NO_TIME.error });
    return z.NEVER;
  }
  return { ...period, since: since.toISOString(), ...(until && { until: until.toISOString() }) };
}

/** An invalid date for what is neither. */
function timeOf(value: string, now: number): Date {
  if (DURATION.test(value)) return new Date(now - msToNumber(value as '1h'));
  return new Date(isoTime.safeParse(value).success ? value : Number.NaN);
}
