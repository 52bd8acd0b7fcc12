import { type PGlite, parse, protocol, types } from '@electric-sql/pglite';
import type { NamedStatement } from '../database.js';

const { serialize } = protocol;

/** Statements that the session of an embedded cluster keeps prepared: PGlite's own `query` parses and plans each time anew. */
export class PreparedStatements {
  readonly #client: PGlite;
  readonly #prepared = new Set<string>();

  constructor(client: PGlite) {
    this.#client = client;
  }

  run({ name, text, values }: NamedStatement): Promise<object[]> {
    return this.#client.runExclusive(async () => {
      if (!this.#prepared.has(name)) {
        await this.#send(serialize.parse({ name, text }));
        this.#prepared.add(name);
      }
      const messages = await this.#send(
        serialize.bind({ statement: name, values: values.map(toText) }),
        serialize.describe({ type: 'P' }),
        serialize.execute(),
      );
      const [result] = parse.parseResults(messages, types.parsers);
      return result?.rows ?? [];
    });
  }

  #send(...messages: Uint8Array[]) {
    if (this.#client.closed) throw new Error('PGlite is closed');
    return this.#client.execProtocolStream(Buffer.concat([...messages, serialize.sync()]));
  }
}

/** A parameter as PostgreSQL reads it from text. */
function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? types.arraySerializer(value, undefined, types.TEXT) : String(value);
}
