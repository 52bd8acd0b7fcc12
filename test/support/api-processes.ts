import { setTimeout as delay } from 'node:timers/promises';
import { type PostcallClient, ServiceUnavailableError } from '../../client/index.js';
import { freePort } from '../../contract/free-port.js';
import type { Part } from './fault-stack.js';
import type { Starter } from './fault-workload.js';
import { Program } from './program.js';

const READY_PATIENCE_MS = 60_000;
const READYZ_TIMEOUT_MS = 10_000;

/** Several API processes on one stack, as behind a load balancer that knows which of them are there. */
export class ApiProcesses implements Part {
  readonly userId: string;
  readonly #key = 'a-key-of-sixteen-or-more';
  readonly #ports: number[];
  readonly #environment: Record<string, string>;
  readonly #programs: Program[] = [];
  readonly #killed = new WeakSet<Program>();
  #turn = 0;

  /** They end with the test. `userId` is the one that their key belongs to. */
  static async start(count: number, userId: string, environment: Record<string, string>): Promise<ApiProcesses> {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    const processes = new ApiProcesses(userId, ports, environment);
    for (const index of ports.keys()) await processes.start(index);
    return processes;
  }

  private constructor(userId: string, ports: number[], environment: Record<string, string>) {
    this.userId = userId;
    this.#ports = ports;
    this.#environment = environment;
  }

  /** Resolves when it is ready. */
  async start(index: number): Promise<void> {
    this.#programs[index] = Program.run('api/main.js', [], {
      NODE_ENV: 'production',
      POSTCALL_API_KEYS: `${this.userId}:${this.#key}`,
      POSTCALL_RATE_LIMIT: '100000',
      ...this.#environment,
      PORT: String(this.#ports[index]),
    });
    for (const limit = Date.now() + READY_PATIENCE_MS; (await this.readiness(index)) !== 200; await delay(50)) {
      if (Date.now() > limit) throw new Error(`the API does not become ready:\n${this.#programs[index]?.output}`);
    }
  }

  async kill(index: number): Promise<void> {
    const program = this.#programs[index];
    if (!program) return;
    this.#killed.add(program);
    await program.kill();
  }

  get failure(): string | undefined {
    const ended = this.#programs.find((program) => program.hasExited && !this.#killed.has(program));
    return ended && `an API process has ended by itself:\n${ended.output.slice(-3_000)}`;
  }

  async account(): Promise<string> {
    const answers = await Promise.all(this.#ports.map((_, index) => this.readiness(index)));
    return `/readyz of the API processes: ${answers.map((status) => status ?? 'nobody listens').join(', ')}`;
  }

  /** The status of /readyz; undefined where nobody listens. */
  async readiness(index: number): Promise<number | undefined> {
    return fetch(`${this.origin(index)}/readyz`, { signal: AbortSignal.timeout(READYZ_TIMEOUT_MS) }).then(
      ({ status }) => status,
      () => undefined,
    );
  }

  origin(index: number): string {
    return `http://127.0.0.1:${this.#ports[index]}`;
  }

  /** Starts batches over HTTP, each by the next process. What is away, or breaks off, is unavailable. */
  starter(client: PostcallClient): Starter {
    return async ({ user_id: _key_says_it, idempotency_key, ...body }) => {
      this.#turn += 1;
      const response = await this.#post(this.#turn % this.#ports.length, idempotency_key, body);
      const text = await response.text().catch(unavailable);
      if (response.status === 503) throw new ServiceUnavailableError(text);
      const batchId = response.headers.get('location')?.split('/').at(-1);
      if (batchId === undefined) throw new Error(`${response.status}: ${text.slice(0, 300)}`);
      return client.getHandle(batchId);
    };
  }

  #post(index: number, idempotencyKey: string | undefined, body: object): Promise<Response> {
    return fetch(`${this.origin(index)}/v1/postcall/webhooks/create`, {
      method: 'POST',
      headers: {
        authorization: this.#key,
        'content-type': 'application/json',
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        prefer: 'wait=0',
      },
      body: JSON.stringify(body),
    }).catch(unavailable);
  }
}

const unavailable = (cause: unknown): never => {
  throw new ServiceUnavailableError('the API is away', { cause });
};
