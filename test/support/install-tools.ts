import { runEntryPoint } from '../../dev/entry-point.js';
import { dockerCompose, hadolint, kubectlValidate, kustomize } from './deploy-tools.js';
import { findTemporalServer } from './find-temporal-server.js';

/** Installs in the background, one after the other, what test/cluster and test/deploy would install when they are run. */
async function main(signal: AbortSignal): Promise<void> {
  const options = { signal, background: true };
  await findTemporalServer(console.log, options);
  await hadolint();
  for (const build of [kubectlValidate, kustomize, dockerCompose]) await build(options);
}

runEntryPoint(main);
