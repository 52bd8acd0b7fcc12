/** A larger call is not taken: it would be held in memory, stored and sent whole. */
export const MAX_CALL_BYTES = 10 * 1024 * 1024;
/** Deeper ones overflow the stacks of parsers, ours and the endpoint's. */
export const MAX_CALL_DEPTH = 100;

/** This call can never be sent: final. Its message is the reason for operators, and never holds anything of the call. */
export class CallUnusableError extends Error {
  override readonly name = 'CallUnusableError';
}

/** A call's record that may be sent. */
export interface CheckedCall {
  /** What is stored and sent. */
  text: string;
  /** The record's top-level `user_id` as text; undefined when it has none. */
  owner: string | undefined;
  /** The parsed record. */
  fields: Readonly<Record<string, unknown>>;
}

type Identity = 'user_id' | 'call_id';

/** A top-level key that may be one of the two, as it is written, and where its value starts. */
interface Key {
  written: string;
  valueAt: number;
}

/**
 * Checks one call's record as its source gave it, text or object. The text stays as it is, also where it repeats keys, holds numbers beyond
 * double precision, or a key `__proto__`. Only `user_id` and `call_id` must be beyond doubt.
 *
 * @throws CallUnusableError with a reason that quotes nothing of the call.
 */
export function checkCall(callId: string, data: string | Record<string, unknown>): CheckedCall {
  const text = typeof data === 'string' ? data : serialised(data);
  if (Buffer.byteLength(text) > MAX_CALL_BYTES) throw tooLarge();
  if (!text.isWellFormed()) throw new CallUnusableError('the call is not well-formed Unicode');
  const keys = identityKeys(text);
  const fields = parseObject(text);
  const ownId = identityOf('call_id', text, keys, fields);
  if (ownId !== undefined && ownId !== NO_TEXT && ownId !== callId) {
    throw new CallUnusableError('the record has the call_id of another call');
  }
  const owner = identityOf('user_id', text, keys, fields);
  if (owner === NO_TEXT) throw new CallUnusableError("the record's user_id is neither a string nor a number");
  return { text, owner, fields };
}

export const tooLarge = (): CallUnusableError =>
  new CallUnusableError(`the call has more than ${MAX_CALL_BYTES} bytes`);

function serialised(data: Record<string, unknown>): string {
  if (ArrayBuffer.isView(data)) throw new CallUnusableError('the call is bytes: give its text');
  try {
    const text: string | undefined = JSON.stringify(data);
    if (text !== undefined) return text;
  } catch {
    // Cycles, bigints and overflowing stacks: the error quotes names of the call's fields.
  }
  throw new CallUnusableError('the call cannot be serialised as JSON');
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new CallUnusableError('the call is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CallUnusableError('the call is not a JSON object');
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_ARRAY, CLOSE_ARRAY] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

/** Measures the depth and finds the keys, without recursion and before the parser sees the text. Any text may be given. */
function identityKeys(text: string): Key[] {
  const keys: Key[] = [];
  let depth = 0;
  let string = '';
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (depth === 1) string = text.slice(at, end + 1);
        at = end;
        break;
      }
      case COLON:
        if (depth === 1 && mayNameIdentity(string)) keys.push({ written: string, valueAt: at + 1 });
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        if (depth > MAX_CALL_DEPTH)
          throw new CallUnusableError(`the call is nested deeper than ${MAX_CALL_DEPTH} levels`);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
    }
  }
  return keys;
}

/** The place of the quote that ends the string; the text's end where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/** Letters of a key may be written as escapes. */
const mayNameIdentity = (written: string): boolean =>
  written === '"user_id"' || written === '"call_id"' || (written.includes('\\') && written.length <= 50);

/** A value that names no user and no call. */
const NO_TEXT = Symbol('neither a string nor a number');

/** The value as text, a number as it is written; undefined where the record has none. */
function identityOf(
  name: Identity,
  text: string,
  keys: readonly Key[],
  fields: Record<string, unknown>,
): string | undefined | typeof NO_TEXT {
  const named = keys.filter(({ written }) => JSON.parse(written) === name);
  if (named.length > 1) throw new CallUnusableError(`the record has more than one ${name}`);
  const value = named.length === 0 ? undefined : fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? numberAt(text, named[0]?.valueAt ?? 0) : NO_TEXT;
}

function numberAt(text: string, at: number): string {
  const number = /\s*([-+.\dEe]+)/y;
  number.lastIndex = at;
  return number.exec(text)?.[1] ?? '';
}
