import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Dependencies come from the package registry, where nothing is cached. */
export const INSTALL_TIMEOUT_MS = 600_000;

/** Without what `npm test` sets for its own scripts: it would make npm work on this project instead of the folder's. */
const environment = (more: Record<string, string>): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|TEMPORAL_|POSTCALL_|DATABASE_URL|NODE_)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...more };
};

/** Runs a command to its end and returns what it printed. Rejects, with all that it printed, when it fails. */
export async function run(
  cwd: string,
  command: string,
  args: string[],
  more: Record<string, string> = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: environment(more), maxBuffer: 10_000_000 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** A new project below the folder with this package alone. `strategy`: npm's `install-strategy`. */
export async function projectWith(folder: string, tarball: string, strategy = 'hoisted'): Promise<string> {
  const project = await mkdtemp(join(folder, 'project-'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', `--install-strategy=${strategy}`];
  await run(project, 'npm', ['install', ...options, tarball]);
  return project;
}

/** Compiles a file of a project as its users do. Rejects with the compiler's complaints. */
export async function compile(project: string, file: string, options: object = {}): Promise<string> {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    types: ['node'],
    skipLibCheck: true,
    ...options,
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  return run(project, join(ROOT, 'node_modules/.bin/tsc'), ['-p', project]);
}
