/** A time as milliseconds since 1970, or an interval: drivers and sessions differ in how they write times. */
export const epochMs = (time: string): string => `extract(epoch from ${time}) * 1000`;

export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

/** Text as PostgreSQL can store it: it has no NUL. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD');

/** Whether there is such a row, looked up each time: `exists` may be planned as one scan of the whole table. */
export const isThere = (fromWhere: string): string => `(select true from ${fromWhere} limit 1) is true`;
