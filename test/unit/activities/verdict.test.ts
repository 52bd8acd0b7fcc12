import { describe, expect, it } from 'vitest';
import { SEND_ERROR_KINDS } from '../../../activities/send-error.js';
import { verdictOf } from '../../../activities/verdict.js';

const ofStatus = (response_code: number) => verdictOf({ response_code, error_kind: null });

describe('verdictOf', () => {
  it.each([200, 201, 202, 204, 299])('takes %i for a delivery', (status) => {
    expect(ofStatus(status)).toEqual({ kind: 'delivered', endpoint_failed: false });
  });

  it('takes 410 for the end of the endpoint', () => {
    expect(ofStatus(410)).toEqual({ kind: 'gone', endpoint_failed: false });
  });

  it.each([300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 409, 411, 422, 499, 600, 999])(
    'retries %i as a failure of this webhook',
    (status) => {
      expect(ofStatus(status)).toEqual({ kind: 'retry', endpoint_failed: false });
    },
  );

  it.each([429, 500, 501, 502, 503, 504, 599])('retries %i as a failure of the endpoint', (status) => {
    expect(ofStatus(status)).toEqual({ kind: 'retry', endpoint_failed: true });
  });

  it.each(SEND_ERROR_KINDS.filter((kind) => kind !== 'local'))('retries "%s" as a failure of the endpoint', (kind) => {
    expect(verdictOf({ response_code: null, error_kind: kind })).toEqual({ kind: 'retry', endpoint_failed: true });
  });

  it("does not blame the endpoint for the worker's own fault", () => {
    expect(verdictOf({ response_code: null, error_kind: 'local' })).toEqual({ kind: 'retry', endpoint_failed: false });
  });
});
