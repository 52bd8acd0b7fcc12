import { createCipheriv, createDecipheriv, createHash, type KeyObject, randomBytes } from 'node:crypto';
import { DamagedValueError, EncryptionKeyMissingError } from '../errors.js';

/** A key with the name that its operator gave it. */
export interface EncryptionKey {
  /** 1 to 40 letters, digits, dots, hyphens and underscores. */
  name: string;
  /** 32 bytes. */
  key: KeyObject;
}

export interface EncryptionOptions {
  /** Newest first. All of them read. */
  keys: readonly EncryptionKey[];
  /** Whether new values are encrypted, with the newest key; false: they are written in the clear. */
  encrypts: boolean;
}

/**
 * What a value belongs to: the text of a user's call, which is copied from `calls` to `webhooks` as it is, or a signing secret. It is
 * authenticated with the value, so that one row's value cannot pass for another's.
 */
export type ValueOwner = readonly [kind: 'call' | 'secret', userId: string, id: string];

/** No JSON object and no signing secret begins so. */
export const ENVELOPE_PREFIX = 'enc1:';
/** An envelope is `enc1:<key's name>:<key's fingerprint>:<base64 of nonce, ciphertext and tag>`; a header is shorter than this. */
export const MAX_HEADER_LENGTH = 60;
const HEADER = /^enc1:([\w.-]{1,40}):([0-9a-f]{8}):/;
const KEY_NAME = /^[\w.-]{1,40}$/;

const ALGORITHM = 'aes-256-gcm';
/** NIST SP 800-38D, 8.2.2 and 8.3: random nonces of 96 bits, for at most 2^32 values with one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface KnownKey {
  name: string;
  fingerprint: string;
  key: KeyObject;
}

/** Tells keys of one name apart, and nothing of the key. */
const fingerprintOf = (key: KeyObject): string =>
  createHash('sha256').update('postcall-webhooks encryption key').update(key.export()).digest('hex').slice(0, 8);

const idOf = ({ name, fingerprint }: Pick<KnownKey, 'name' | 'fingerprint'>): string => `${name}:${fingerprint}`;

/** Encrypts values for the database and decrypts them (AES-256-GCM). Without keys it writes values as they are. */
export class Cipher {
  /** The keys' IDs, `name:fingerprint`, newest first. */
  readonly keyIds: readonly string[];
  readonly #keys: ReadonlyMap<string, KnownKey>;
  readonly #newest: KnownKey | undefined;

  /** @throws TypeError for a name or a key that cannot be used. */
  constructor({ keys, encrypts }: EncryptionOptions = { keys: [], encrypts: false }) {
    const known = keys.map(({ name, key }): KnownKey => {
      if (!KEY_NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} cannot be the name of an encryption key`);
      if (key.symmetricKeySize !== 32) throw new TypeError(`the encryption key ${name} must have 32 bytes`);
      return { name, key, fingerprint: fingerprintOf(key) };
    });
    this.#keys = new Map(known.map((key) => [idOf(key), key]));
    this.keyIds = [...this.#keys.keys()];
    this.#newest = encrypts ? known[0] : undefined;
  }

  /** The ID of the key that new values are encrypted with; undefined: they are written in the clear. */
  get newestKeyId(): string | undefined {
    return this.#newest && idOf(this.#newest);
  }

  seal(text: string, owner: ValueOwner): string {
    if (!this.#newest) return text;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#newest.key, nonce).setAAD(authenticated(owner));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${ENVELOPE_PREFIX}${idOf(this.#newest)}:${sealed.toString('base64')}`;
  }

  /**
   * The text of a stored value, encrypted or not.
   * @throws EncryptionKeyMissingError when its key is not among ours
   * @throws DamagedValueError when it is not what was stored for this owner
   */
  open(stored: string, owner: ValueOwner): string {
    if (!stored.startsWith(ENVELOPE_PREFIX)) return stored;
    const [header, name, fingerprint] = HEADER.exec(stored) ?? [];
    if (header === undefined || name === undefined || fingerprint === undefined) throw new DamagedValueError(owner);
    const known = this.#keys.get(idOf({ name, fingerprint }));
    if (!known) throw this.missing(idOf({ name, fingerprint }));
    const sealed = Buffer.from(stored.slice(header.length), 'base64');
    try {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, known.key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(authenticated(owner))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      // node:crypto says of a wrong tag only that it is wrong.
      throw new DamagedValueError(owner);
    }
  }

  missing(keyId: string): EncryptionKeyMissingError {
    const [name = ''] = keyId.split(':');
    const namesake = this.keyIds.find((id) => id.startsWith(`${name}:`));
    return new EncryptionKeyMissingError(keyId, namesake);
  }
}

const authenticated = (owner: ValueOwner): Buffer => Buffer.from(JSON.stringify([ENVELOPE_PREFIX, ...owner]));
