import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for an argument that cannot be decoded; no sender can make one of its class. */
export class Undecodable {
  constructor(readonly reason: string) {}
}

/**
 * Temporal's own conversion, but for an argument that it cannot decode: that would fail the workflow task again and again, before any
 * handler sees it, and one wrong signal could stop a workflow for ever.
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
