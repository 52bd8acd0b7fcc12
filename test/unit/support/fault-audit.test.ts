import { describe, expect, test } from 'vitest';
import { audit, type Evidence, type RecordedAttempt, type SeenRequest } from '../../support/fault-audit.js';

const attempt = (overrides: Partial<RecordedAttempt> = {}): RecordedAttempt => ({
  sent_at: 1_000,
  finished_at: 1_100,
  response_code: 200,
  error: null,
  ...overrides,
});

const unanswered = (error: string): RecordedAttempt => attempt({ response_code: null, error });

const request = (overrides: Partial<SeenRequest> = {}): SeenRequest => ({
  callId: 'c',
  webhookId: 'msg',
  body: Buffer.from('{}'),
  answered: 200,
  ...overrides,
});

/** One call with these attempts, and what the endpoint has seen of it. */
const judge = (
  attempts: RecordedAttempt[],
  requests: SeenRequest[],
  rest: Partial<Evidence> = {},
  status = 'delivered',
) =>
  audit({
    calls: [{ call_id: 'c', webhook_id: 'msg', status, payload: '{}', attempts }],
    requests,
    refused: new Set(requests.filter(({ answered }) => answered !== 200)),
    breaks: [],
    ...rest,
  });

const AT_THE_BREAK = { breaks: [{ from: 1_050, to: 1_060 }] };

describe('the audit of a call accepts', () => {
  test.each<[string, RecordedAttempt[], SeenRequest[], Partial<Evidence>?]>([
    ['one attempt and its request', [attempt()], [request()]],
    ['a recorded refusal', [attempt({ response_code: 500 }), attempt()], [request({ answered: 500 }), request()]],
    ['an unseen refused connection', [unanswered('connection refused'), attempt()], [request()]],
    [
      'an interrupted attempt that was seen',
      [unanswered('interrupted'), attempt()],
      [request(), request()],
      AT_THE_BREAK,
    ],
    ['an unseen interrupted attempt', [unanswered('interrupted'), attempt()], [request()]],
  ])('%s', (_, attempts, requests, rest) => {
    expect(judge(attempts, requests, rest)).toMatchObject({ lost: [], problems: [] });
  });
});

describe('the audit of a call finds', () => {
  test.each<[string, RegExp, RecordedAttempt[], SeenRequest[], Partial<Evidence>?]>([
    ['an unseen delivery', /lost/, [attempt()], []],
    ['a request without an attempt', /no recorded attempt/, [attempt()], [request(), request()]],
    ['an attempt without a request', /saw fewer/, [attempt({ response_code: 500 }), attempt()], [request()]],
    ['a status that was not answered', /500 is recorded/, [attempt({ response_code: 500 })], [request()]],
    ['an answer that is recorded as none', /got one/, [unanswered('timed out'), attempt()], [request(), request()]],
    ['an open attempt', /still open/, [attempt({ finished_at: null }), attempt()], [request(), request()]],
    ['a request that was repeated for no reason', /no break/, [attempt(), attempt()], [request(), request()]],
    [
      'a request that was repeated though it had ended before the break',
      /no break/,
      [attempt({ finished_at: 1_010 }), attempt({ sent_at: 2_000, finished_at: 2_100 })],
      [request(), request()],
      AT_THE_BREAK,
    ],
    ['another webhook-id', /webhook-id other/, [attempt()], [request({ webhookId: 'other' })]],
    ['other bytes', /bytes/, [attempt()], [request({ body: Buffer.from('{ }') })]],
    ['a call that the store does not know', /does not know/, [attempt()], [request(), request({ callId: 'd' })]],
  ])('%s', (_, problem, attempts, requests, rest) => {
    expect(judge(attempts, requests, rest).problems.join('\n')).toMatch(problem);
  });

  test('a webhook that is not delivered', () => {
    expect(judge([attempt()], [request()], {}, 'retrying')).toMatchObject({ lost: ['c'] });
  });
});
