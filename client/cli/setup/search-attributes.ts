import { isGrpcServiceError } from '@temporalio/client';
import {
  encodeSearchAttributeIndexedValueType,
  type SearchAttributeType,
} from '@temporalio/common/lib/search-attributes.js';
import { SEARCH_ATTRIBUTE_TYPES, SEARCH_ATTRIBUTES } from '../../../contract/index.js';
import type { SetupContext, SetupResult, SetupStep } from './step.js';

const ATTRIBUTES = Object.values(SEARCH_ATTRIBUTES);

/** gRPC status codes by which a server, or Temporal Cloud, says that it will not do this over this connection. */
const NOT_ALLOWED: readonly number[] = [7, 12, 16];
/** `INVALID_ARGUMENT`: there is no free slot, for example. */
const INVALID_ARGUMENT = 3;
const WITHOUT = 'Everything works without them, too; POSTCALL_SEARCH_ATTRIBUTES=off does not even try.';

/** Registers what workflows are found by in Temporal's lists. */
export const searchAttributes: SetupStep = {
  name: 'search attributes',
  run: async (context) => {
    if (!context.config.searchAttributes) {
      return { outcome: 'unchanged', message: 'POSTCALL_SEARCH_ATTRIBUTES is off: none are wanted' };
    }
    try {
      return await register(context);
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error;
      if (NOT_ALLOWED.includes(error.code)) return byHand(context.namespace, error.details);
      if (error.code !== INVALID_ARGUMENT) throw error;
      const message = `the server refuses them: ${error.details}. Remove one that is not needed. ${WITHOUT}`;
      return { outcome: 'failed', message };
    }
  },
};

async function register({ connection, namespace }: SetupContext): Promise<SetupResult> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const typeOf = (name: string) => customAttributes[name];
  const other = ATTRIBUTES.filter(({ name, type }) => typeOf(name) !== undefined && typeOf(name) !== codeOf(type));
  if (other.length > 0) {
    const names = other.map(({ name }) => `${name} must be a ${SEARCH_ATTRIBUTE_TYPES[name]}`).join(', ');
    return { outcome: 'failed', message: `there are some of another type: ${names}. Remove them first. ${WITHOUT}` };
  }
  const missing = ATTRIBUTES.filter(({ name }) => typeOf(name) === undefined);
  if (missing.length === 0) return { outcome: 'unchanged', message: 'registered already' };
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, codeOf(type)])),
  });
  return { outcome: 'done', message: `registered ${missing.map(({ name }) => name).join(', ')}` };
}

const codeOf = (type: SearchAttributeType) => encodeSearchAttributeIndexedValueType(type) ?? 0;

function byHand(namespace: string, reason: string): SetupResult {
  const pairs = Object.entries(SEARCH_ATTRIBUTE_TYPES);
  const own = pairs.map(([name, type]) => `--name ${name} --type ${type}`).join(' ');
  const cloud = pairs.map(([name, type]) => `--search-attribute "${name}=${type}"`).join(' ');
  return {
    outcome: 'by_hand',
    message: `this connection may not register them (${reason}). Who may runs, on a server of your own or on Temporal Cloud:`,
    commands: [
      `temporal operator search-attribute create --namespace ${namespace} ${own}`,
      `tcld namespace search-attributes add --namespace ${namespace} ${cloud}`,
    ],
  };
}
