/** RFC 9110 section 5.6.7: IMF-fixdate, and the two obsolete forms that a recipient must accept. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d\d:\d\d:\d\d) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/;

/** A two-digit year that seems more than 50 years ahead is the most recent past year with the same digits. */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}

function parseHttpDate(value: string, now: number): number | undefined {
  const groups = (IMF_FIXDATE.exec(value) ?? RFC_850.exec(value) ?? ASCTIME.exec(value))?.groups;
  if (!groups) return undefined;
  const { day = '', month = '', year = '', time = '' } = groups;
  // Only the regular expressions' strict shapes get here: `Date.parse` alone takes "-5" and "1.5" for dates.
  const parsed = Date.parse(`${day.trim()} ${month} ${fullYear(year, now)} ${time} GMT`);
  // It also lets 31 February overflow into March.
  return Number.isNaN(parsed) || new Date(parsed).getUTCDate() !== Number(day) ? undefined : parsed;
}

/**
 * Milliseconds that a `retry-after` header (RFC 9110 section 10.2.3) asks to wait: delay-seconds, or an HTTP-date in any of its
 * three forms. A date in the past is 0; anything else that is not well-formed is undefined.
 *
 * @param now milliseconds since the epoch, by our clock
 * @param date the response's `date` header: the clock by which the sender chose its date. Ours counts where it is not valid
 */
export function parseRetryAfter(value: string, now: number, date?: string): number | undefined {
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  const until = parseHttpDate(text, now);
  if (until === undefined) return undefined;
  const theirNow = date === undefined ? undefined : parseHttpDate(date.trim(), now);
  return Math.max(0, until - (theirNow ?? now));
}
