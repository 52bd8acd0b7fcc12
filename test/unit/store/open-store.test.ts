import { expect, test } from 'vitest';
import { openStore } from '../../../store/index.js';

test('a store of neither kind is refused by naming what is missing', async () => {
  await expect(openStore({} as never)).rejects.toThrow(
    'openStore needs databaseUrl (PostgreSQL) or dataDir (an embedded database)',
  );
});
