import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../contract/free-port.js';
import { spawnGuarded } from '../../dev/guarded-process.js';
import { ROOT } from './documents.js';
import { temporaryFolder } from './temporary-folder.js';

interface Alert {
  labels: Record<string, string>;
  state: 'pending' | 'firing';
}

interface Result {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** A real Prometheus with the project's rules, which do not wait to see whether a fault lasts. It ends with the test. */
export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Scrapes these addresses, `host:port`, every three seconds. */
  static async start(targets: string[]): Promise<Prometheus> {
    const folder = await temporaryFolder();
    const rules = await readFile(join(ROOT, 'deploy/prometheus/rules.yml'), 'utf8');
    await writeFile(join(folder, 'rules.yml'), rules.replaceAll(/^( +for:) .*$/gm, '$1 0s'));
    const config = {
      global: { scrape_interval: '3s', scrape_timeout: '3s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'postcall', static_configs: [{ targets }] }],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const flags = { 'config.file': 'prometheus.yml', 'storage.tsdb.path': 'data', 'web.listen-address': address };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    let output = '';
    const server = spawnGuarded('prometheus', args, {
      cwd: folder,
      onOutput: (text) => {
        output += text;
      },
    });
    onTestFinished(async () => {
      server.signal('SIGKILL');
      await server.exited;
    });
    const isReady = () =>
      fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok || output,
        () => output,
      );
    await expect.poll(isReady).toBe(true);
    return new Prometheus(`http://${address}`);
  }

  /** The names of the alerts that fire, of one severity where one is given. */
  async firing(severity?: string): Promise<string[]> {
    const { alerts } = await this.#get<{ alerts: Alert[] }>('/api/v1/alerts');
    const firing = alerts.filter(
      ({ state, labels }) => state === 'firing' && (labels.severity === severity || !severity),
    );
    return firing.map(({ labels }) => labels.alertname ?? '').sort();
  }

  /** What a query answers now. Rejects where Prometheus does not understand it. */
  async query(expression: string): Promise<Result[]> {
    const { result } = await this.#get<{ result: Result[] }>(`/api/v1/query?query=${encodeURIComponent(expression)}`);
    return result;
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(this.#url + path);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`Prometheus refuses ${path}: ${error}`);
    return data;
  }
}
