import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { answer, type Behaviour } from '../support/behaviours.js';
import { openBrowser } from '../support/browser.js';
import { startTestStack } from '../support/stack.js';
import { startOwnTemporalServer } from '../support/temporal.js';
import { WebUi } from '../support/web-ui.js';

const PICTURES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const VIEWPORT = { width: 1_440, height: 800 };

/** Each host answers as its name says. */
const byHost: Behaviour = (request, response) => {
  const status = { hooks: 503, events: 404, api: 422 }[request.headers.host?.split('.')[0] ?? ''] ?? 200;
  answer(status)(request, response);
};

/** Three users' batches: one whose endpoint is down, two whose calls wait; and a browser at the Web UI. */
async function scene() {
  const server = await startOwnTemporalServer({ uiPort: await freePort() });
  const stack = await startTestStack({
    temporalAddress: server.address,
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    environment: { POSTCALL_RETRY_SCHEDULE: '1h', POSTCALL_PROBE_INTERVAL: '1h' },
  });
  stack.receiver.behaviour = byHost;
  const batchOf = async (user_id: string, host: string, calls: number) => {
    const call_ids = await stack.addCalls(calls, user_id);
    const webhook_url = `http://${host}:${stack.receiver.port}/post-call`;
    const batch = await stack.client.create({ user_id, call_ids, webhook_url });
    return { batch, call_ids, webhook_url, workflowId: `postcall-${batch.batchId.split('.')[0]}` };
  };
  const down = await batchOf('acme', 'hooks.acme.test', 40);
  const waiting = await batchOf('globex', 'events.globex.test', 8);
  const other = await batchOf('initech', 'api.initech.test', 5);
  await expect.poll(async () => (await down.batch.progress()).endpoints).toHaveLength(1);
  for (const { batch, call_ids } of [waiting, other]) {
    await expect.poll(async () => (await batch.progress()).retrying).toBe(call_ids.length);
  }
  const browser = await openBrowser();
  const page = await browser.newPage({ viewport: VIEWPORT });
  return { stack, down, waiting, other, ui: new WebUi(page, server.uiUrl ?? '') };
}

/** Only when asked to: pictures of a real Web UI differ with every run. */
async function picture({ page }: WebUi, name: string): Promise<void> {
  if (!process.env.SCREENSHOTS) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}${name}.png`, animations: 'disabled' });
}

describe("Temporal's Web UI", { timeout: 180_000 }, () => {
  test('tells from the list which endpoint is down, since when, how many calls wait and which wait longest', async () => {
    const { down, waiting, stack, ui } = await scene();
    await ui.list('ExecutionStatus = "Running"');
    await ui.chooseColumns();
    await expect.poll(() => ui.rows()).toHaveLength(3);
    await ui.page.setViewportSize({ width: 1_760, height: 640 });
    await picture(ui, 'web-ui-list');
    await ui.page.setViewportSize(VIEWPORT);

    await ui.list('ExecutionStatus = "Running" AND PostcallState = "down"');
    const found = expect.arrayContaining([
      down.workflowId,
      'down',
      expect.stringContaining('hooks.acme.test'),
      '40',
      expect.stringContaining('acme'),
    ]);
    await expect.poll(() => ui.rows()).toEqual([found]);

    await ui.openDetails(down.workflowId);
    const [endpoint] = (await stack.store.listEndpoints({ user_id: 'acme', state: 'down', limit: 1 })).endpoints;
    const aboutThen = expect.stringContaining(endpoint?.since.slice(0, 'yyyy-mm-ddThh:mm'.length) ?? '');
    await expect.poll(() => ui.detailRows(down.webhook_url)).toEqual([[down.webhook_url, 'down', aboutThen, '40']]);
    expect(await ui.detailRows('acme')).toContainEqual([
      down.batch.batchId,
      'acme',
      'running',
      expect.stringMatching(/^40: \d+ pending, \d+ retrying$/),
    ]);
    const [longest = ''] = down.call_ids;
    expect(await ui.detailRows(longest)).toContainEqual([
      longest,
      expect.stringMatching(/^\d$/),
      '503',
      expect.stringMatching(/^20.*Z$/),
    ]);
    await picture(ui, 'web-ui-down');

    await ui.list('ExecutionStatus = "Running" AND PostcallUser = "globex"');
    await expect.poll(() => ui.rows()).toEqual([expect.arrayContaining([waiting.workflowId])]);
  });

  test('pauses, resumes and cancels by signals, and cancels by its own button', async () => {
    const { waiting, other, stack, ui } = await scene();
    const { batch, workflowId, call_ids } = waiting;
    await ui.list('ExecutionStatus = "Running" AND PostcallUser = "globex"');
    await ui.openDetails(workflowId);
    const status = async () => (await batch.progress()).status;

    await ui.signal('pause');
    await expect.poll(status).toBe('paused');
    await ui.refresh();
    await expect
      .poll(() => ui.detailRows('globex'))
      .toContainEqual([batch.batchId, 'globex', 'paused', '8: 8 retrying']);
    await picture(ui, 'web-ui-paused');

    stack.receiver.clear();
    await ui.signal('resume');
    await expect.poll(() => stack.receiver.requests.length).toBe(call_ids.length);
    await expect.poll(status).toBe('running');
    await ui.signal('cancel');
    expect(await batch.result()).toMatchObject({ status: 'canceled', canceled: 8 });

    await ui.list('ExecutionStatus = "Running" AND PostcallUser = "initech"');
    await ui.openDetails(other.workflowId);
    await ui.requestCancellation();
    expect(await other.batch.result()).toMatchObject({ status: 'canceled', canceled: 5 });
  });
});
