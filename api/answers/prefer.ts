/** The longest wait that is granted, in seconds. */
export const MAX_WAIT_SECONDS = 60;

/**
 * Seconds of the `wait` preference (RFC 7240, section 4.3), at most 60. Undefined when there is none. A value that is no number of seconds
 * is ignored (section 2), and the first of several counts.
 */
export function preferredWait(header: string | undefined): number | undefined {
  for (const preference of header?.split(',') ?? []) {
    const [pair = ''] = preference.split(';');
    const [name = '', value = ''] = pair.split('=', 2).map((part) => part.trim());
    if (name.toLowerCase() !== 'wait') continue;
    const [, seconds] = /^"?(\d{1,9})"?$/.exec(value) ?? [];
    return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return undefined;
}
