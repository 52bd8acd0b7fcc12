import { describe, expect, test } from 'vitest';
import { callIdSchema } from '../../../contract/index.js';
import { sampleCalls } from '../../../dev/sample-calls/index.js';

describe('the sample calls', () => {
  const calls = sampleCalls();

  test('are 25 different calls, the same each time', () => {
    expect(calls).toHaveLength(25);
    expect(new Set(calls.map((call) => callIdSchema.parse(call.call_id))).size).toBe(25);
    expect(new Set(calls.map((call) => call.to)).size).toBe(25);
    expect(new Set(calls.map((call) => call.summary)).size).toBe(25);
    expect(sampleCalls()).toEqual(calls);
  });

  test('have numbers that belong to nobody', () => {
    for (const { to, from } of calls) {
      expect(to).toMatch(/^\+1202555010\d$|^\+120255501\d\d$/);
      expect(from).toMatch(/^\+120255501\d\d$/);
      expect(to).not.toBe(from);
    }
  });

  test('leave no placeholder unfilled', () => {
    expect(JSON.stringify(calls)).not.toMatch(/\{\w+\}/);
    for (const { summary, transcripts } of calls) {
      expect(summary).not.toMatch(/ {2}|^ | $/);
      for (const { text } of transcripts) expect(text.trim()).not.toBe('');
    }
  });

  test('tell one story in all their fields', () => {
    for (const call of calls) {
      expect(call.concatenated_transcript.split(' \n ').filter(Boolean)).toHaveLength(call.transcripts.length);
      const times = [call.created_at, call.started_at, ...call.transcripts.map((line) => line.created_at), call.end_at];
      expect(times).toEqual(times.toSorted());
      expect(call.completed).toBe(call.transcripts.length > 0);
      expect(call.price > 0).toBe(call.completed);
    }
    expect(new Set(calls.map((call) => call.answered_by))).toEqual(new Set(['human', 'voicemail', 'no-answer']));
  });

  test('contain what breaks careless serialisation', () => {
    const text = calls.map((call) => `${call.summary}${call.concatenated_transcript}`).join('');
    for (const hard of ['"', "'", '\\', '\n', 'é', '«', '🌱', '日']) expect(text).toContain(hard);
    expect(text.isWellFormed()).toBe(true);
  });
});
