import { type Command, Option } from 'commander';
import { ENDPOINT_STATES, type Endpoint, type EndpointState } from '../../../contract/index.js';
import type { Store } from '../../../store/store.js';
import { userIdOption } from '../options.js';
import { table } from '../output.js';
import type { Session } from '../session.js';

const PAGE_SIZE = 500;

interface EndpointsOptions {
  userId: string;
  state?: EndpointState;
}

export function addEndpoints(program: Command, session: Session): void {
  program
    .command('endpoints')
    .summary('show which endpoints are down, since when, and what waits')
    .description(
      "Shows a user's endpoints from the store: which are down and since when, how many webhooks wait, the last answer and the next " +
        'probe. Those that are down come first, the longest first.',
    )
    .addOption(userIdOption(session))
    .addOption(new Option('--state <state>', 'only endpoints in this state').choices(ENDPOINT_STATES))
    .action((options: EndpointsOptions) => listEndpoints(options, session));
}

async function listEndpoints(options: EndpointsOptions, session: Session): Promise<void> {
  const { output } = session;
  const endpoints = await session.withStore((store) => allEndpoints(store, options));
  if (output.json) for (const endpoint of endpoints) output.print(endpoint, () => endpoint.url);
  else output.print(endpoints, () => endpointsTable(endpoints));
}

async function allEndpoints(store: Store, { userId: user_id, state }: EndpointsOptions): Promise<Endpoint[]> {
  const found: Endpoint[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.listEndpoints({ user_id, state, limit: PAGE_SIZE, cursor });
    found.push(...page.endpoints);
    if (page.next_cursor === null) return found;
    cursor = page.next_cursor;
  }
}

const endpointsTable = (endpoints: readonly Endpoint[]): string =>
  table(
    ['state', 'since', 'waiting', 'last answer', 'next probe', 'url'],
    endpoints.map(({ url, state, since, waiting, last_answer, next_probe_at }) => [
      state,
      since,
      waiting,
      last_answer && `${last_answer.response_code ?? last_answer.error} at ${last_answer.at}`,
      next_probe_at,
      url,
    ]),
  );
