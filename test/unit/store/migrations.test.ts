import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import { migrationConfig } from '../../../store/migrate.js';
import * as schema from '../../../store/schema.js';

test('the newest migration leads to the schema: `npm run migrations` would write nothing', async () => {
  const meta = join(migrationConfig().migrationsFolder, 'meta');
  const newest =
    (await readdir(meta))
      .filter((name) => name.endsWith('_snapshot.json'))
      .toSorted()
      .at(-1) ?? '';
  const snapshot = JSON.parse(await readFile(join(meta, newest), 'utf8'));
  expect(await generateMigration(snapshot, generateDrizzleJson(schema, snapshot.id))).toEqual([]);
});
