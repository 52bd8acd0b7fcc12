import plugin from 'fastify-plugin';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { InvalidRequestError, problemsOf } from '../../contract/index.js';

const WHOLE: Record<string, string> = { body: 'the body', querystring: 'the query', headers: 'the headers' };

/** Validates with zod, and reports one message for each problem as the contract words them. */
export const validation = plugin(
  async (app) => {
    app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (value: unknown) => {
      const parsed = schema.safeParse(value);
      if (parsed.success) return { value: parsed.data };
      return { error: new InvalidRequestError(problemsOf(parsed.error, WHOLE[httpPart ?? ''] ?? 'the request')) };
    });
    app.setSerializerCompiler(serializerCompiler);
  },
  { name: 'validation' },
);
