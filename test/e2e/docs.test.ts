import { describe, expect, test } from 'vitest';
import { send, sharedApi } from '../support/api.js';
import { openBrowser } from '../support/browser.js';

const api = sharedApi();

describe('the documentation page', () => {
  test('shows every operation, and loads nothing from elsewhere', async () => {
    const browser = await openBrowser();
    const page = await browser.newPage();
    const [complaints, hosts] = [[] as string[], new Set<string>()];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`${api().url}/docs`);
    await page.getByRole('heading', { name: /Post-call webhooks/ }).waitFor();
    const { paths } = (await send(`${api().url}/openapi.json`)).body;
    for (const path of Object.keys(paths)) {
      expect(await page.locator(`[data-path="${path}"]`).count(), path).toBeGreaterThan(0);
    }
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([new URL(api().url).host]);
  });

  test('makes a request with a key', async () => {
    const { stack, url, newUser } = api();
    const user = await newUser();
    const [call_id = ''] = await stack.addCalls(1, user.userId);
    await user.post('/v1/postcall/webhooks/create', { call_ids: [call_id], webhook_url: stack.receiver.url });
    const browser = await openBrowser();
    const page = await browser.newPage();
    await page.goto(`${url}/docs`);
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    await page.getByLabel('Value:').or(page.getByPlaceholder('api_key')).first().fill(user.key);
    await page.getByRole('button', { name: 'Apply credentials' }).first().click();
    await page.getByRole('button', { name: 'Close' }).first().click();
    const operation = page.locator('#operations-Webhooks-getWebhook');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByPlaceholder('call_id').fill(call_id);
    await operation.getByRole('button', { name: 'Execute' }).click();
    await expect
      .poll(() => operation.locator('.live-responses-table tbody').first().textContent())
      .toContain('delivered');
  });
});
