import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { type Exit, type GuardedProcess, spawnGuarded } from '../../dev/guarded-process.js';

/** A program in a process of its own; it ends with the test at the latest. */
export class Program {
  readonly exited: Promise<Exit>;
  readonly #process: GuardedProcess;
  #output = '';
  #hasExited = false;

  /**
   * One of the project's own, built; `path` is below `dist/`. The process gets these variables, PATH and HOME, and nothing else of the
   * environment.
   */
  static run(path: string, args: string[], env: Record<string, string>): Program {
    const file = fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
    return Program.spawn(process.execPath, [file, ...args], env);
  }

  /** Any other, with the same environment. */
  static spawn(command: string, args: string[], env: Record<string, string>): Program {
    const program = new Program(command, args, env);
    onTestFinished(() => program.kill());
    return program;
  }

  private constructor(command: string, args: string[], env: Record<string, string>) {
    const { PATH = '', HOME = '' } = process.env;
    this.#process = spawnGuarded(command, args, {
      env: { PATH, HOME, ...env },
      onOutput: (text) => {
        this.#output += text;
      },
    });
    this.exited = this.#process.exited;
    void this.exited.then(() => {
      this.#hasExited = true;
    });
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** What it has printed so far, errors included. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Signals it and its descendants. */
  signal(signal: NodeJS.Signals): void {
    this.#process.signal(signal);
  }

  async kill(): Promise<void> {
    this.#process.signal('SIGKILL');
    await this.exited;
  }

  /** Resolves when its output contains the text; fails at once when it ends before. */
  async printed(text: string | RegExp): Promise<void> {
    const appears = expect.poll(() => this.#output, { timeout: 150_000 }).toMatch(text);
    const ends = this.exited.then(({ code, signal }) => {
      if (!this.#output.match(text)) throw new Error(`It ended with ${signal ?? code} and printed:\n${this.#output}`);
    });
    await Promise.race([appears, ends]);
  }
}

/** Running processes whose command lines contain the text. */
export function processesWith(text: string): { pid: number; command: string }[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8', maxBuffer: 10_000_000 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, state, command] = /^ *(\d+) +(\S+) +(.*)$/.exec(line) ?? [];
    const runs = state !== undefined && !state.startsWith('Z');
    return runs && command?.includes(text) ? [{ pid: Number(pid), command }] : [];
  });
}
