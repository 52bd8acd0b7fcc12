import { createHash } from 'node:crypto';
import { SCENARIOS, type Scenario } from './scenarios.js';

/** A finished call, as Bland's `GET /v1/calls/{call_id}` answers it. */
export interface SampleCall extends Record<string, unknown> {
  call_id: string;
  to: string;
  from: string;
  /** Minutes. */
  call_length: number;
  completed: boolean;
  status: 'completed' | 'no-answer';
  answered_by: Scenario['answered_by'];
  created_at: string;
  started_at: string;
  end_at: string;
  /** US dollars. */
  price: number;
  recording_url: string | null;
  summary: string;
  variables: Record<string, string>;
  metadata: { agent: string };
  transcripts: { id: number; user: string; text: string; created_at: string }[];
  concatenated_transcript: string;
}

const FIRST_CALL_AT = Date.parse('2026-03-02T14:00:00.000Z');
const CALLS_APART_MS = 247_000;
const RINGING_MS = 8_300;
/** How fast people talk on the phone, pauses included. */
const MS_PER_CHARACTER = 62;
const PRICE_PER_MINUTE = 0.09;
/** Every line of every call has a number of its own. */
const FIRST_LINE_ID = 188_000;
/** The people called have the numbers from here on; the agents' numbers end in 01 to 63. */
const FIRST_CALLEE = 70;

/** The same 25 finished calls each time: several agents, languages and results. */
export function sampleCalls(): SampleCall[] {
  const calls = SCENARIOS.flatMap((scenario) => scenario.people.map((person) => ({ scenario, person })));
  return calls.map(({ scenario, person }, index) => sampleCall(scenario, person, index));
}

function sampleCall(scenario: Scenario, person: Record<string, string>, index: number): SampleCall {
  const say = (text: string) => text.replace(/\{(\w+)\}/g, (_, variable: string) => person[variable] ?? '');
  const createdAt = FIRST_CALL_AT + index * CALLS_APART_MS;
  const startedAt = createdAt + RINGING_MS;

  let now = startedAt;
  const transcripts = scenario.lines.map(([user, line], position) => {
    const text = say(line);
    const spoken = { id: FIRST_LINE_ID + index * 100 + position, user, text, created_at: new Date(now).toISOString() };
    now += 600 + text.length * MS_PER_CHARACTER;
    return spoken;
  });

  const callId = uuid(`${scenario.agent}/${scenario.disposition}/${index}`);
  const answered = scenario.answered_by !== 'no-answer';
  const minutes = (now - startedAt) / 60_000;
  const to = `+120255501${FIRST_CALLEE + index}`;
  return {
    call_id: callId,
    c_id: callId,
    to,
    from: scenario.from,
    inbound: false,
    call_length: round(minutes, 3),
    corrected_duration: String(Math.round(minutes * 60)),
    completed: answered,
    status: answered ? 'completed' : 'no-answer',
    queue_status: 'complete',
    answered_by: scenario.answered_by,
    call_ended_by: scenario.ended_by,
    error_message: null,
    created_at: new Date(createdAt).toISOString(),
    started_at: new Date(startedAt).toISOString(),
    end_at: new Date(now).toISOString(),
    price: round(minutes * PRICE_PER_MINUTE, 4),
    record: true,
    recording_url: answered ? `https://recordings.example.com/${callId}.mp3` : null,
    max_duration: 15,
    request_data: { phone_number: to, language: scenario.language, wait: false },
    metadata: { agent: scenario.agent },
    variables: { ...person, language: scenario.language },
    disposition_tag: scenario.disposition,
    summary: say(scenario.summary),
    concatenated_transcript: transcripts.map(({ user, text }) => `${user}: ${text}`).join(' \n '),
    transcripts,
    analysis: null,
    pathway_logs: null,
  };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The same UUID (in form, version 4) for the same name. */
function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
