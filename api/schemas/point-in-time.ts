import { msToNumber } from '@temporalio/common';
import { z } from 'zod';

const RULE = 'must be an ISO 8601 time such as 2026-01-31T09:00:00Z, or a duration back from now such as 24h';
const DURATION = /^\d{1,9}(ms|s|m|h|d|w)$/;
const isoTime = z.iso.datetime({ offset: true });

/** An ISO 8601 time, or a duration back from now (`30m`, `24h`, `7d`). Parses to ISO 8601 in UTC. */
export const pointInTime = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : RULE) })
  .transform((value, context) => {
    const time = timeOf(value);
    if (time !== undefined) return time.toISOString();
    context.addIssue({ code: 'custom', message: RULE });
    return z.NEVER;
  });

function timeOf(value: string): Date | undefined {
  if (DURATION.test(value)) return inRange(new Date(Date.now() - msToNumber(value as '1h')));
  return isoTime.safeParse(value).success ? inRange(new Date(value)) : undefined;
}

/** PostgreSQL has no year 0, and ISO 8601 no fifth digit. */
function inRange(date: Date): Date | undefined {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9_999 ? date : undefined;
}
