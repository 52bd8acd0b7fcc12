import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import plugin from 'fastify-plugin';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { notFound } from '../errors.js';

const DESCRIPTION = `
Durable post-call webhooks: name finished calls and an endpoint, and each call's data is sent there, retried through outages, with
every attempt on record.

Every answer has \`data\` and \`errors\`. An answer other than 503 to a request that creates or resends means that the work is durable.
`.trim();

/** Describes the routes that are registered after it, from their schemas, and serves a page to read the document and try it: `/docs`. */
export const openapi = plugin(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Post-call webhooks',
          version: '1.0.0',
          description: DESCRIPTION,
          license: { name: 'MIT', identifier: 'MIT' },
          contact: { name: 'The contributors of postcall-webhooks' },
        },
        servers: [{ url: '/' }],
        tags: [
          { name: 'Webhooks', description: 'One for each call.' },
          { name: 'Batches', description: 'The calls of one request.' },
          { name: 'Endpoints', description: 'Where webhooks go.' },
          { name: 'Failed webhooks', description: 'Whose schedule is used up, or whose endpoint is gone.' },
          { name: 'Operations', description: 'For load balancers and monitoring; no API key.' },
        ],
        components: {
          securitySchemes: {
            key: { type: 'apiKey', in: 'header', name: 'authorization', description: 'The API key itself.' },
            bearer: { type: 'http', scheme: 'bearer' },
          },
        },
        security: [{ key: [] }, { bearer: [] }],
      },
      transform: createJsonSchemaTransform({ zodToJsonConfig }),
      transformObject: finish,
    });
    await app.register(async (docs) => {
      docs.addHook('onRequest', async ({ params }) => refuseOddFile(params));
      await docs.register(swaggerUi, {
        routePrefix: '/docs',
        staticCSP: CONTENT_SECURITY_POLICY,
        // The badge would send the document's address to a foreign server.
        uiConfig: { validatorUrl: null, docExpansion: 'list' },
        theme: { title: 'Post-call webhooks' },
      });
    });
  },
  { name: 'openapi' },
);

/** A name that no file of the page can have does not reach the file system. */
function refuseOddFile(params: unknown): void {
  const { '*': name } = params as { '*'?: string };
  if (name !== undefined && !/^[\w.-]{0,100}$/.test(name)) throw notFound('path');
}

/** Nothing from elsewhere; the page has styles of its own inline. Not `upgrade-insecure-requests`, which would break the page where the API is served without TLS. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

/** zod closes every object of an answer, but fields may be added; and it spells out what `format` and `integer` say already. */
const zodToJsonConfig: NonNullable<Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig']> = {
  override: ({ zodSchema, jsonSchema }) => {
    // zod leaves out the examples of what it transforms.
    const examples = z.globalRegistry.get(zodSchema)?.examples;
    if (Array.isArray(examples)) jsonSchema.examples = examples;
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
};

const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig });

type Schema = Record<string, unknown>;

/** The parts of a document that are put right below. */
interface Document {
  paths: Record<string, Record<string, { requestBody?: RequestBody }>>;
  components: { schemas: Record<string, Schema> };
}
interface RequestBody {
  required: boolean;
  content: Record<string, { schema: { required?: string[] } }>;
}

const finish: typeof transformObject = (input) => {
  const transformed = transformObject(input);
  const document = structuredClone(transformed) as unknown as Document;
  markOptionalBodies(document);
  const { schemas } = document.components;
  document.paths = withComponents(document.paths, schemas) as Document['paths'];
  return document as unknown as typeof transformed;
};

/** The plugin calls every body required; one that requires no field may be left out. */
function markOptionalBodies({ paths }: Document): void {
  for (const { requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    if (!requestBody) continue;
    requestBody.required = Object.values(requestBody.content).some(({ schema }) => schema.required?.length);
  }
}

/** Every schema with a title becomes the component of that name, once, so that generators of clients make one type of it. */
function withComponents(value: unknown, schemas: Record<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((item) => withComponents(item, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    key === 'example' || key === 'examples' ? inner : withComponents(inner, schemas),
  ]);
  const { title, description: _, ...schema } = Object.fromEntries(entries);
  if (typeof title !== 'string') return Object.fromEntries(entries);
  schemas[title] ??= schema;
  return { $ref: `#/components/schemas/${title}` };
}
