import { expect, it } from 'vitest';
import { commandsPage } from '../../../../dev/commands-page.js';

it('is generated: `npm run documents` writes docs/commands.md anew', async () => {
  await expect(commandsPage()).toMatchFileSnapshot('../../../../docs/commands.md');
});

it('fits its width', () => {
  expect(
    commandsPage()
      .split('\n')
      .filter((line) => line.length > 120),
  ).toEqual([]);
});
