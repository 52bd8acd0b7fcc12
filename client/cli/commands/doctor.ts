import { type Command, InvalidArgumentError } from 'commander';
import { parseUrl } from '../../../contract/parse-url.js';
import type { Check, CheckStatus } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import type { Session } from '../session.js';

const MARKS: Record<CheckStatus, string> = { ok: 'ok', warning: 'warn', failed: 'FAIL', skipped: 'skip' };

/** `postcall doctor`: whether all that webhooks need is there. */
export function addDoctor(program: Command, session: Session): void {
  program
    .command('doctor')
    .summary('check everything that webhooks need, and say what to do')
    .description(
      'Checks Temporal, namespace, search attributes, workers and their build, the database with its schema, rights and clock, the call source, what is stored ' +
        'in the clear, and what this machine allows, as the environment configures them. Changes nothing. Exits with 1 when something ' +
        'will not work.',
    )
    .option(
      '--url <url>',
      'an endpoint to connect to as workers do, without sending anything; may be repeated',
      collectUrl,
      [],
    )
    .action(({ url }: { url: string[] }) => examine(url, session));
}

function collectUrl(text: string, before: string[]): string[] {
  if (!parseUrl(text) || !/^https?:/.test(text)) throw new InvalidArgumentError('It must be an http or https URL.');
  return [...before, text];
}

async function examine(urls: string[], session: Session): Promise<void> {
  const { config, output } = session;
  const [{ checkTemporal }, { checkStore }, { checkCallSource }, { checkEgress }, { checkProcess }] = await Promise.all(
    [
      import('../doctor/temporal-checks.js'),
      import('../doctor/store-checks.js'),
      import('../doctor/call-source-check.js'),
      import('../doctor/egress-checks.js'),
      import('../doctor/process-checks.js'),
    ],
  );
  const found = await Promise.all([
    checkProcess(config),
    checkTemporal(config),
    checkStore(config),
    checkCallSource(config),
    checkEgress(config, urls),
  ]);
  const checks = found.flat();
  const works = checks.every(({ status }) => status !== 'failed');
  output.print({ works, checks }, () => checks.map(checkText).join('\n'));
  if (!works) session.exitCode = EXIT.failed;
}

function checkText({ name, status, message, remedy }: Check): string {
  const line = `${MARKS[status].padEnd(4)}  ${name.padEnd(17)}  ${message}`;
  return remedy === undefined ? line : `${line}\n${' '.repeat(25)}-> ${remedy}`;
}
