import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Exit, type GuardedProcess, spawnGuarded } from '../../dev/guarded-process.js';

/** The built worker, as `npm run worker` runs it. */
const WORKER = fileURLToPath(new URL('../../dist/worker/main.js', import.meta.url));
const START_PATIENCE_MS = 60_000;

export interface Program {
  entry: string;
  /** What it prints when it runs. */
  prints: string;
}

const PACKAGED: Program = { entry: WORKER, prints: 'the worker runs' };

/** A worker in a process of its own, which can be killed, frozen and stopped. It ends with the test at the latest. */
export class WorkerProcess {
  readonly exited: Promise<Exit>;
  /** The end that the test has brought about; undefined while it should live. */
  #ending: 'killed' | 'stopped' | undefined;
  readonly #process: GuardedProcess;
  #output = '';
  #hasExited = false;

  /** Resolves when the worker runs. `program`: what to run in place of the package's own entry point. */
  static async start(env: Record<string, string>, program = PACKAGED): Promise<WorkerProcess> {
    const worker = new WorkerProcess(env, program.entry);
    onTestFinished(() => worker.kill());
    await worker.#untilPrinted(program.prints);
    return worker;
  }

  private constructor(env: Record<string, string>, entry: string) {
    const { PATH = '', HOME = '' } = process.env;
    this.#process = spawnGuarded(process.execPath, [entry], {
      // Production: its log is JSON. At level info it says when it runs.
      env: { PATH, HOME, NODE_ENV: 'production', LOG_LEVEL: 'info', ...env },
      onOutput: (text) => {
        this.#output += text;
      },
    });
    this.exited = this.#process.exited.then((exit) => {
      this.#hasExited = true;
      return exit;
    });
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
    return this.#output;
  }

  /** The last lines of its log. */
  get lastWords(): string {
    return this.#output.slice(-3_000);
  }

  /** SIGKILL; resolves when it is dead. */
  async kill(): Promise<void> {
    this.#ending ??= 'killed';
    this.#process.signal('SIGKILL');
    await this.exited;
  }

  /** SIGTERM, as a deployment sends it; resolves when it has ended by itself. */
  async stop(): Promise<Exit> {
    this.#ending ??= 'stopped';
    process.kill(this.#process.pid, 'SIGTERM');
    return this.exited;
  }

  /** SIGSTOP for the worker alone: its watchdog stays awake and ends it with us. */
  freeze(): void {
    process.kill(this.#process.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#process.pid, 'SIGCONT');
  }

  async #untilPrinted(text: string): Promise<void> {
    const patience = AbortSignal.timeout(START_PATIENCE_MS);
    while (!this.#output.includes(text)) {
      if (this.#hasExited || patience.aborted) throw new Error(`the worker does not start:\n${this.lastWords}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
