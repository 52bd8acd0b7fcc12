import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_TYPES } from '../../../contract/index.js';
import { notAllowed } from '../not-allowed.js';
import { lackingSearchAttributes, requiredTypes, typeCodeOf } from '../registered-attributes.js';
import type { SetupContext, SetupResult, SetupStep } from './step.js';

const WITHOUT = 'Everything works without them, too; POSTCALL_SEARCH_ATTRIBUTES=off does not even try.';

/** Registers what workflows are found by in Temporal's lists. */
export const searchAttributes: SetupStep = {
  name: 'search attributes',
  run: async (context) => {
    if (!context.config.searchAttributes) {
      return { status: 'unchanged', message: 'POSTCALL_SEARCH_ATTRIBUTES is off: none are wanted' };
    }
    try {
      return await register(context);
    } catch (error) {
      const refusal = notAllowed(error);
      if (refusal) return byHand(context.namespace, refusal.details);
      // There is no free slot, for example.
      if (!isGrpcServiceError(error) || error.code !== status.INVALID_ARGUMENT) throw error;
      const message = `the server refuses them: ${error.details}. Remove one that is not needed. ${WITHOUT}`;
      return { status: 'failed', message };
    }
  },
};

async function register({ connection, namespace }: SetupContext): Promise<SetupResult> {
  const { missing, otherType } = await lackingSearchAttributes(connection, namespace);
  if (otherType.length > 0) {
    const message = `there are some of another type: ${requiredTypes(otherType)}. Remove them first. ${WITHOUT}`;
    return { status: 'failed', message };
  }
  if (missing.length === 0) return { status: 'unchanged', message: 'registered already' };
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, typeCodeOf(name)])),
  });
  return { status: 'done', message: `registered ${missing.join(', ')}` };
}

function byHand(namespace: string, reason: string): SetupResult {
  const pairs = Object.entries(SEARCH_ATTRIBUTE_TYPES);
  const own = pairs.map(([name, type]) => `--name ${name} --type ${type}`).join(' ');
  const cloud = pairs.map(([name, type]) => `--search-attribute "${name}=${type}"`).join(' ');
  return {
    status: 'by_hand',
    message: `this connection may not register them (${reason}). Who may runs, on a server of your own or on Temporal Cloud:`,
    commands: [
      `temporal operator search-attribute create --namespace ${namespace} ${own}`,
      `tcld namespace search-attributes add --namespace ${namespace} ${cloud}`,
    ],
  };
}
