import { msToNumber } from '@temporalio/common';
import { z } from 'zod';
import { isUsualTime } from '../../contract/index.js';

const RULE =
  'must be an ISO 8601 time such as 2026-01-31T09:00:00Z, from 1970 on, or a duration back from now such as 24h';
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
  })
  .meta({ pattern: `${DURATION.source}|${z.regexes.datetime({ offset: true }).source}` });

function timeOf(value: string): Date | undefined {
  if (DURATION.test(value)) return inRange(new Date(Date.now() - msToNumber(value as '1h')));
  return isoTime.safeParse(value).success ? inRange(new Date(value)) : undefined;
}

const inRange = (date: Date): Date | undefined => (isUsualTime(date) ? date : undefined);
