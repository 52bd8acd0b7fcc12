import type { Attempt, SendType } from '../contract/index.js';
import { isoTime } from './sql.js';

/** A finished attempt as statements return it. */
export interface AttemptRow {
  sent_at_ms: number;
  response_code: number | null;
  response_time_ms: number;
  send_type: SendType;
  error: string | null;
}

export const toAttempt = (row: AttemptRow): Attempt => ({
  sent_at: isoTime(row.sent_at_ms),
  response_code: row.response_code,
  response_time: `${row.response_time_ms}ms`,
  send_type: row.send_type,
  error: row.error,
});
