import type { Locator, Page } from 'playwright-core';

/** What the list shows beside the status: nothing of it is there by itself. */
const COLUMNS = ['PostcallState', 'PostcallHost', 'PostcallCalls', 'PostcallUser'];
/** Make room for them. */
const NEEDLESS = ['Run ID', 'Type', 'End'];

/** Temporal's Web UI, as people use it. */
export class WebUi {
  constructor(
    readonly page: Page,
    readonly url: string,
  ) {}

  /** The list of workflows that a query finds. */
  async list(query: string): Promise<void> {
    await this.page.goto(`${this.url}/namespaces/default/workflows?query=${encodeURIComponent(query)}`);
    await this.page.getByTestId('workflow-count').waitFor();
  }

  /** Lets the list show the search attributes. */
  async chooseColumns(): Promise<void> {
    const { page } = this;
    await page.getByTestId('workflows-summary-table-configuration-button').click();
    for (const name of NEEDLESS) await page.getByRole('button', { name: `Remove ${name} column`, exact: true }).click();
    for (const name of COLUMNS) await page.getByRole('button', { name: `Add ${name} column`, exact: true }).click();
    await page.getByTestId('drawer-close-button').click();
  }

  /** The cells of each workflow in the list. */
  async rows(): Promise<string[][]> {
    const rows = await this.page.getByTestId('workflows-summary-configurable-table-row').all();
    const cells = (row: Locator) => row.getByTestId('workflows-summary-table-body-cell').allTextContents();
    return Promise.all(rows.map(async (row) => (await cells(row)).map((text) => text.trim())));
  }

  /** The page of a workflow in the list that says what it does now. */
  async openDetails(workflowId: string): Promise<void> {
    await this.page.getByRole('link', { name: workflowId }).click();
    await this.page.getByTestId('user-metadata-tab').click();
    await this.page.getByText('Current Details').waitFor();
  }

  /** The cells of each row of the current details that has a text. They are rendered in a frame, the last one of the page. */
  async detailRows(text: string): Promise<string[][]> {
    const rows = this.page.frameLocator('iframe[title="output"]').last().locator('tr', { hasText: text });
    return Promise.all((await rows.all()).map((row) => row.locator('td').allTextContents()));
  }

  /** As it is now. */
  async refresh(): Promise<void> {
    await this.page.keyboard.press('r');
  }

  async signal(name: string): Promise<void> {
    const { page } = this;
    await page.getByRole('button', { name: 'More Actions' }).click();
    await page.getByRole('menuitem', { name: 'Send a Signal' }).click();
    const dialog = page.getByRole('dialog').filter({ hasText: 'Send a Signal' });
    await dialog.locator('button:has(#signal-select)').click();
    // Its description follows its name.
    await page
      .getByRole('option')
      .filter({ hasText: new RegExp(`^\\s*${name}\\b`) })
      .click();
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** `Request Cancellation`, which means the same as the signal `cancel`. */
  async requestCancellation(): Promise<void> {
    const { page } = this;
    await page.getByRole('button', { name: 'Request Cancellation' }).click();
    const dialog = page.getByRole('dialog').filter({ hasText: 'Cancel Workflow' });
    await dialog.getByTestId('confirm-modal-button').click();
    await dialog.waitFor({ state: 'hidden' });
  }
}
