import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

export interface GuardedProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A file descriptor for the process's output. Default: its output is dropped. */
  output?: number;
  /** Told the process's output and errors as they come; not together with `output`. */
  onOutput?: (text: string) => void;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that {@link spawnGuarded} started, alone in its process group. */
export interface GuardedProcess {
  readonly pid: number;
  /** Resolves when the process has ended; rejects when it could not be started. */
  readonly exited: Promise<Exit>;
  /** Signals the process and its descendants. Nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `graceMs` (default 10,000). */
  stop(graceMs?: number): Promise<Exit>;
}

/**
 * The shell becomes the command, and leaves a watchdog behind that reads a pipe from us. The pipe closes when the command has ended, or
 * when we end in any way. The watchdog then ends the rest of the process group: SIGTERM, and SIGKILL ten seconds later. Its own place in
 * the group keeps the group's number from being given to another process.
 */
const WATCHDOG = `
exec 3<&0 </dev/null
{
  trap '' INT HUP TERM
  read -r _ <&3
  kill -TERM -$$
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ || exit; sleep 1; done
  kill -KILL -$$
} >/dev/null 2>&1 &
exec "$@" 3<&-`;

/**
 * Starts a process that never outlives this one, even when this one is killed with SIGKILL. It runs in a session of its own: Ctrl-C at a
 * terminal reaches only us, and we decide the order of the ends. Needs a POSIX shell.
 */
export function spawnGuarded(command: string, args: string[], options: GuardedProcessOptions = {}): GuardedProcess {
  const { cwd, env, onOutput } = options;
  const output = options.output ?? (onOutput ? 'pipe' : 'ignore');
  const child = spawn('sh', ['-c', WATCHDOG, 'guarded', command, ...args], {
    detached: true,
    stdio: ['pipe', output, output],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
  }
  return manage(child);
}

function manage(child: ChildProcess): GuardedProcess {
  let ended = false;
  const exited = once(child, 'exit').then(async ([code, signal]): Promise<Exit> => {
    ended = true;
    // What the process wrote last may arrive after the news of its end.
    await Promise.all([child.stdout, child.stderr].map((stream) => stream && finished(stream)));
    return { code, signal };
  });
  // A failed start rejects `exited`, which need not be awaited.
  exited.catch(() => undefined);

  const signal = (name: NodeJS.Signals) => {
    // The negative number names the process group: `go install` has compilers under it.
    if (!ended && child.pid !== undefined) process.kill(-child.pid, name);
  };
  return {
    pid: child.pid ?? 0,
    exited,
    signal,
    async stop(graceMs = 10_000) {
      signal('SIGTERM');
      const timer = setTimeout(() => signal('SIGKILL'), graceMs);
      return exited.finally(() => clearTimeout(timer));
    },
  };
}

/**
 * Runs a guarded process to its end and returns all it printed. `timeoutMs` kills it; `signal` stops it and rejects with the
 * signal's reason.
 */
export async function runGuarded(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Exit & { output: string }> {
  const { cwd, env, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  let output = '';
  const guarded = spawnGuarded(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    onOutput: (text) => {
      output += text;
    },
  });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => guarded.signal('SIGKILL'), timeoutMs);
  const onAbort = () => void guarded.stop(2_000);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const exit = await guarded.exited;
    signal?.throwIfAborted();
    return { ...exit, output };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
