import { CommanderError } from 'commander';
import { loadConfig } from '../../config/config.js';
import { unknownVariableMessage } from '../../config/unknown-variables.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { Output } from './output.js';
import { buildProgram } from './program.js';
import { reportError } from './report-error.js';
import { Session } from './session.js';

/** Runs one command line, its program name left out, and returns the exit code. */
export async function run(args: string[]): Promise<ExitCode> {
  const output = new Output({ stdout: process.stdout, stderr: process.stderr }, args.includes('--json'));
  try {
    const config = loadConfig(process.env);
    for (const name of config.unknownVariables) output.note(`warning: ${unknownVariableMessage(name)}`);
    const session = new Session(config, output, process.stdin);
    await buildProgram(session).parseAsync(args, { from: 'user' });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    return reportError(error, output);
  }
}
