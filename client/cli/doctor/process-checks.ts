import type { Config } from '../../../config/config.js';
import { type Check, ok, warning } from './check.js';

/** A worker has some thousand sockets: attempts, connections that are kept, Temporal, the database. */
const MIN_OPEN_FILES = 4_096;

interface Report {
  userLimits?: { open_files?: { soft: number | 'unlimited' } };
}

/** What a process started from here would be like. */
export function checkProcess({ unknownVariables }: Config): Check[] {
  const unread = unknownVariables.map((name) =>
    warning('configuration', `nothing reads ${name}`, 'docs/configuration.md has every variable'),
  );
  return [...(unread.length > 0 ? unread : [ok('configuration', 'every variable is known')]), ...checkOpenFiles()];
}

function checkOpenFiles(): Check[] {
  const { userLimits } = process.report.getReport() as Report;
  const soft = userLimits?.open_files?.soft;
  if (soft === undefined) return [];
  const message = `a process started from here may open ${soft} files`;
  return soft === 'unlimited' || soft >= MIN_OPEN_FILES
    ? [ok('file_limits', message)]
    : [warning('file_limits', message, `give workers at least ${MIN_OPEN_FILES}: ulimit -n, LimitNOFILE= of systemd`)];
}
