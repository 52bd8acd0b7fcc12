import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for an argument that cannot be decoded; its class tells it from whatever a sender could mean. */
export class Undecodable {
  constructor(readonly reason: string) {}
}

/**
 * Temporal's own conversion, but for what it cannot decode: that would fail the workflow task, again and again, before any handler sees
 * the argument, so that one wrong signal could stop a workflow for ever.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (...args) => defaultPayloadConverter.toPayload(...args),
  fromPayload<T>(payload: Payload, ...context: []): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload, ...context);
    } catch (error) {
      return new Undecodable(String(error)) as T;
    }
  },
};
