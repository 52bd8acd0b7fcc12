import { fileURLToPath } from 'node:url';
import type { Exit } from '../../dev/guarded-process.js';
import { Program } from './program.js';

/** The built worker, as `npm run worker` runs it. */
const WORKER = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));

export interface EntryPoint {
  entry: string;
  /** What it prints when it runs. */
  prints: string;
}

const PACKAGED: EntryPoint = { entry: WORKER, prints: 'the worker runs' };

/** A worker in a process of its own, which can be killed, frozen and stopped. It ends with the test at the latest. */
export class WorkerProcess {
  readonly #program: Program;
  /** The end that the test has brought about; undefined while it should live. */
  #ending: 'killed' | 'stopped' | undefined;
  #hasExited = false;

  /** Resolves when the worker runs. `program`: what to run in place of the package's own entry point. */
  static async start(env: Record<string, string>, { entry, prints } = PACKAGED): Promise<WorkerProcess> {
    // Production: its log is JSON. At level info it says when it runs.
    const settings = { NODE_ENV: 'production', LOG_LEVEL: 'info', ...env };
    const program = Program.spawn(process.execPath, [entry], settings);
    await program.printed(prints);
    return new WorkerProcess(program);
  }

  private constructor(program: Program) {
    this.#program = program;
    void this.exited.then(() => {
      this.#hasExited = true;
    });
  }

  get exited(): Promise<Exit> {
    return this.#program.exited;
  }

  /** True when it has ended without being told to. */
  get hasFailed(): boolean {
    return this.#hasExited && this.#ending === undefined;
  }

  get isRunning(): boolean {
    return this.#ending === undefined;
  }

  /** All that it has printed. */
  get output(): string {
    return this.#program.output;
  }

  /** The last lines of its log. */
  get lastWords(): string {
    return this.output.slice(-3_000);
  }

  /** SIGKILL; resolves when it is dead. */
  async kill(): Promise<void> {
    this.#ending ??= 'killed';
    await this.#program.kill();
  }

  /** SIGTERM, as a deployment sends it; resolves when it has ended by itself. */
  async stop(): Promise<Exit> {
    this.#ending ??= 'stopped';
    process.kill(this.#program.pid, 'SIGTERM');
    return this.exited;
  }

  /** SIGSTOP for the worker alone: its watchdog stays awake and ends it with us. */
  freeze(): void {
    process.kill(this.#program.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#program.pid, 'SIGCONT');
  }
}
