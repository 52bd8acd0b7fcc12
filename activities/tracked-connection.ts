import type { Socket } from 'node:net';

/** As much as undici accepts of a head; what follows is not looked at. */
export const MAX_HEAD_BYTES = 16 * 1024;
const CONTINUE = 'HTTP/1.1 100';
const END_OF_HEAD = '\r\n\r\n';
/** The digit 1. */
const ONE = 0x31;
const NOTHING = Buffer.alloc(0);

/** Where the bytes that are read next belong. */
type Position = 'undecided' | 'head' | 'beyond';

/**
 * Tells of a connection what undici does not: whether it has carried a request before, whether a byte of the awaited response has come, and
 * how the response begins. It looks at the bytes that undici reads. It leaves `100 Continue` out: a client must take it unasked (RFC 9110
 * section 15.2), and undici cannot.
 */
export class TrackedConnection {
  #requests = 0;
  #answering = false;
  #position: Position = 'beyond';
  #head: Buffer = NOTHING;

  constructor(socket: Socket) {
    const read: (size?: number) => Buffer | null = socket.read.bind(socket);
    socket.read = (size) => {
      const chunk = read(size);
      return chunk === null || this.#position === 'beyond' ? chunk : this.#look(chunk, read);
    };
  }

  /** To be called before a request is written. */
  begin(): void {
    this.#requests += 1;
    this.#answering = false;
    this.#position = 'undecided';
    this.#head = NOTHING;
  }

  /** Another request went before the present one. */
  get reused(): boolean {
    return this.#requests > 1;
  }

  /** A byte of the response to the present request has come, be it only of an informational one. */
  get answering(): boolean {
    return this.#answering;
  }

  /** How the response to the present request begins, `100 Continue` left out. */
  get head(): string {
    return this.#head.toString('latin1', 0, MAX_HEAD_BYTES);
  }

  /** What undici shall see of a chunk; where that is nothing, of the next one. */
  #look(chunk: Buffer, read: () => Buffer | null): Buffer | null {
    this.#answering = true;
    if (this.#position === 'head') {
      this.#collect(chunk);
      return chunk;
    }
    const rest = this.#withoutContinue(chunk);
    if (rest.length > 0) return rest;
    const next = read();
    return next && this.#look(next, read);
  }

  #collect(chunk: Buffer): void {
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    this.#position = this.#head.length < MAX_HEAD_BYTES ? 'head' : 'beyond';
  }

  /** Empty while it is undecided whether the response begins so. */
  #withoutContinue(chunk: Buffer): Buffer {
    let rest = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    let end = endOfContinue(rest);
    while (end > 0) {
      rest = rest.subarray(end);
      end = endOfContinue(rest);
    }
    this.#head = NOTHING;
    if (end === 0) {
      this.#collect(rest);
      return rest;
    }
    this.#head = rest;
    return NOTHING;
  }
}

/** Where a `100 Continue` ends with which these bytes begin: 0 when they do not, -1 when more of them must come. */
function endOfContinue(bytes: Buffer): number {
  // Most responses are decided here: byte 9 is the status code's first digit.
  if (bytes.length > 9 && bytes[9] !== ONE) return 0;
  const text = bytes.toString('latin1', 0, MAX_HEAD_BYTES);
  if (text.length < CONTINUE.length) return CONTINUE.startsWith(text) ? -1 : 0;
  if (!text.startsWith(CONTINUE)) return 0;
  const end = text.indexOf(END_OF_HEAD);
  if (end !== -1) return end + END_OF_HEAD.length;
  // A line feed alone ends no line: with one in it, the head is left to the parser, which refuses it.
  return text.length >= MAX_HEAD_BYTES || /(^|[^\r])\n/.test(text) ? 0 : -1;
}
