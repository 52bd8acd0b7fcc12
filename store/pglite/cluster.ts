import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import type { Driver } from '../database.js';
import { toStoreError } from '../driver-errors.js';
import { StoreUnavailableError } from '../errors.js';
import { migrationConfig } from '../migrate.js';
import { PLANNING } from '../planning.js';
import { guardAgainstCrash } from './crash-guard.js';
import { PreparedStatements } from './prepared-statements.js';

export interface RunningCluster {
  client: PGlite;
  driver: Driver;
}

/** Opening takes about a second of this thread: a disk that stays full must not take all of them. */
const REOPEN_AFTER_MS = 5_000;

/** An embedded PostgreSQL cluster, opened anew from its files after its server has crashed. */
export class Cluster {
  readonly #dataDir: string;
  #running: Promise<RunningCluster>;
  /** Whether it is time to open the cluster anew. */
  #isDown: () => boolean = () => false;

  private constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#running = this.#start();
  }

  /** Opens the cluster with its schema up to date, creating it where there is none. Throws a StoreError. */
  static async open(dataDir: string): Promise<Cluster> {
    const cluster = new Cluster(dataDir);
    await cluster.#running;
    return cluster;
  }

  /** The server that runs; a new one after a crash. Throws `StoreUnavailableError` when there can be none yet. */
  running(): Promise<RunningCluster> {
    if (this.#isDown()) {
      this.#isDown = () => false;
      this.#running = this.#restart();
    }
    return this.#running;
  }

  async close(): Promise<void> {
    const [result] = await Promise.allSettled([this.#running]);
    const crashed = result.status === 'rejected' || this.#isDown();
    this.#isDown = () => false;
    if (!crashed) await result.value.client.close();
  }

  async #start(): Promise<RunningCluster> {
    let lastWords = 'no reason given';
    const onStderr = (line: string): boolean => {
      lastWords = /(?:PANIC|FATAL): +(.*)/.exec(line)?.[1] ?? lastWords;
      return true;
    };
    try {
      const client = await PGlite.create({ dataDir: this.#dataDir, onStderr });
      const hasCrashed = guardAgainstCrash(client, () => lastWords);
      await migrate(drizzle({ client }), migrationConfig());
      for (const [name, value] of Object.entries(PLANNING)) await client.exec(`set ${name} = ${value}`);
      this.#isDown = hasCrashed;
      const statements = new PreparedStatements(client);
      return { client, driver: (statement) => statements.run(statement) };
    } catch (error) {
      if (error instanceof Error && /failed to initialize/.test(error.message)) {
        throw new StoreUnavailableError(`the embedded database does not start: ${lastWords}`, { cause: error });
      }
      throw toStoreError(error);
    }
  }

  async #restart(): Promise<RunningCluster> {
    try {
      return await this.#start();
    } catch (error) {
      const failedAt = Date.now();
      this.#isDown = () => Date.now() - failedAt >= REOPEN_AFTER_MS;
      throw error;
    }
  }
}
