import { PostcallError } from './postcall-error.js';

/** The workflow service's answer is encoded, and this client lacks the payload codecs to read it. Nothing was changed. */
export class PayloadEncodedError extends PostcallError {
  override readonly name = 'PayloadEncodedError';
  readonly code = 'PAYLOAD_ENCODED';

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `The answer is encoded (${reason}): give the client the workers' payload codecs (POSTCALL_CODEC_MODULE for the command line)`,
      options,
    );
  }
}
