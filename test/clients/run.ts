import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface RunOptions {
  cwd?: string;
  /** Folder with `node_modules` and `venv`: their programs are found first. */
  tools?: string;
  env?: Record<string, string>;
}

/** Runs a program to its end. Resolves to what it wrote; throws with it when the program fails. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, tools, env } = options;
  const path = [...(tools ? [join(tools, 'node_modules/.bin'), join(tools, 'venv/bin')] : []), process.env.PATH];
  try {
    const { stdout } = await execute(program, args, {
      ...(cwd && { cwd }),
      env: { ...process.env, ...QUIET, ...env, PATH: path.join(delimiter) },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Tells nobody that it runs, and does not look for new versions. */
const QUIET = {
  NO_COLOR: '1',
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  SCARF_ANALYTICS: 'false',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
};
