import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../dist/client/cli/main.js', import.meta.url));

export interface CliRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: NodeJS.ProcessEnv;
  /** What the command reads from stdin. */
  input?: string;
  /** Sends Ctrl-C as soon as the command has written this. */
  interruptAt?: string;
}

/** Runs the built `postcall` in a process of its own, with nothing of this process's environment but PATH and HOME. */
export async function runCli(args: string[], { env = {}, input = '', interruptAt }: CliOptions = {}): Promise<CliRun> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, HOME, ...env } });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  child.stdin.end(input);
  if (interruptAt !== undefined) {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes(interruptAt)) child.kill('SIGINT');
    });
  }
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { exitCode, stdout, stderr };
}

/** The JSON documents of an output, one a line. */
export const jsonLines = (output: string): unknown[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
