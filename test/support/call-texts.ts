import fc from 'fast-check';

/** Texts of calls as no serialiser writes them: numbers beyond double precision, repeated keys, escapes, `__proto__`. */

const NUMBERS = ['9007199254740993', '12345678901234567890', '1e400', '1.10', '-0', '-0.0e-0', '0.1E+05', '1E-400'];
const CHARACTERS = [
  ...['a', 'é', '🎧', '\u2028', '\u2029', '\u007f', '\ufeff', '\u00a0', '/', "'", '<'],
  ...['\\"', '\\\\', '\\/', '\\n', '\\u0000', '\\u00e9', '\\uD83C\\uDFA7', '\\ud83d'],
];
const KEYS = ['"__proto__"', '"constructor"', '"a"', '"a"', '"\\u0061"', '""', '"user"', '"transcripts"', '"payload"'];

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 30 });
const number = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc
    .tuple(fc.constantFrom('', '-'), fc.constantFrom(...'123456789'), digits, digits)
    .map(([sign, first, rest, fraction]) => `${sign}${first}${rest}.${fraction}`),
);
const string = fc
  .array(fc.constantFrom(...CHARACTERS), { maxLength: 12 })
  .map((characters) => `"${characters.join('')}"`);
const key = fc.oneof(fc.constantFrom(...KEYS), string);

/** @param spaces what may stand between tokens */
function jsonTexts(spaces: readonly string[]) {
  const space = fc.array(fc.constantFrom(...spaces), { maxLength: 2 }).map((all) => all.join(''));
  const inSpaces = <T>(arbitrary: fc.Arbitrary<T>) => fc.tuple(space, arbitrary, space).map((parts) => parts.join(''));
  const { member } = fc.letrec<{ value: string; member: string }>((tie) => {
    const members = fc.array(tie('member'), { maxLength: 4 });
    return {
      value: inSpaces(
        fc.oneof(
          { depthSize: 'small', withCrossShrink: true },
          fc.constantFrom('true', 'false', 'null'),
          number,
          string,
          fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
          members.map((all) => `{${all.join(',')}}`),
        ),
      ),
      member: fc.tuple(inSpaces(key), tie('value')).map(([name, value]) => `${name}:${value}`),
    };
  });
  return fc.record({ before: fc.array(member, { maxLength: 4 }), after: fc.array(member, { maxLength: 4 }), space });
}

/** A call's text once its ID is known; `{ call_id }` stands anywhere between the other members. */
export type CallText = (callId: string) => string;

const callText = (spaces: readonly string[], outer: boolean): fc.Arbitrary<CallText> =>
  jsonTexts(spaces).map(({ before, after, space }) => (callId) => {
    const own = `${space}"call_id"${space}:${space}${JSON.stringify(callId)}${space}`;
    const text = `{${[...before, own, ...after].join(',')}}`;
    return outer ? `${space}${text}${space}` : text;
  });

/** Anywhere: also over several lines, and with white space around it. */
export const callTexts = callText([' ', '\t', '\n', '\r\n'], true);
/** On one line, without white space around it: as JSON Lines hold it. */
export const callLines = callText([' ', '\t'], false);
