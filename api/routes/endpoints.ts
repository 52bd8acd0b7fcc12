import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ENDPOINT_STATES, endpointSchema } from '../../contract/index.js';
import type { Dependencies } from '../dependencies.js';
import { failures, page } from '../schemas/answers.js';
import { downEndpoint, upEndpoint } from '../schemas/examples.js';
import { paging } from '../schemas/paging.js';

const query = z.object({
  state: z
    .enum(ENDPOINT_STATES, `must be one of ${ENDPOINT_STATES.join(', ')}`)
    .optional()
    .describe('Only endpoints in this state.'),
  ...paging,
});

/** Lists a user's endpoints. */
export const endpoints: FastifyPluginAsyncZod<Dependencies> = async (app, { store }) => {
  app.get(
    '/endpoints',
    {
      schema: {
        operationId: 'listEndpoints',
        summary: 'Endpoints and how they are, a page at a time',
        description:
          'Those that are down first, the longest first; then those that are gone; then the others. As it is stored: answered ' +
          'without a worker too.',
        tags: ['Endpoints'],
        querystring: query,
        response: {
          200: page(endpointSchema, { description: 'Some of the endpoints.', example: [downEndpoint, upEndpoint] }),
          ...failures(400),
        },
      },
    },
    async (request) => {
      const found = await store.listEndpoints({ ...request.query, user_id: request.caller.userId });
      return { data: found.endpoints, errors: null, next_cursor: found.next_cursor };
    },
  );
};
