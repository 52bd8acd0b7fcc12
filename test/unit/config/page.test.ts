import { expect, it } from 'vitest';
import { environmentSchema, SUBJECTS } from '../../../config/environment.js';
import { configurationPage } from '../../../dev/configuration-page.js';
import { textOf } from '../../support/documents.js';

it('is generated: `npm run documents` writes docs/configuration.md anew', async () => {
  await expect(configurationPage()).toMatchFileSnapshot('../../../docs/configuration.md');
});

it('has every variable once', () => {
  const listed = Object.values(SUBJECTS).flatMap((variables) => Object.keys(variables));
  expect(listed).toEqual(Object.keys(environmentSchema.shape));
});

it('says of every variable what it means, within its width', () => {
  expect(Object.entries(environmentSchema.shape).filter(([, { description }]) => !description)).toEqual([]);
  expect(
    configurationPage()
      .split('\n')
      .filter((line) => line.length > 120),
  ).toEqual([]);
});

it('names only variables of Temporal that Temporal reads', () => {
  const envconfig = textOf('node_modules/@temporalio/envconfig/lib/envconfig-toml.js');
  // As Temporal's Worker Controller sets them.
  const controller = ['TEMPORAL_WORKER_BUILD_ID', 'TEMPORAL_DEPLOYMENT_NAME'];
  const ours = ['TEMPORAL_TASK_QUEUE', 'TEMPORAL_CLI_PATH', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', ...controller];
  const named = Object.keys(environmentSchema.shape).filter((name) => /^TEMPORAL_/.test(name) && !ours.includes(name));
  expect(named.filter((name) => !envconfig.includes(`'${name}'`))).toEqual([]);
});
