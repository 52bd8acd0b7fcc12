import { readdir, readFile } from 'node:fs/promises';

/** Linux counts CPU time in hundredths of a second (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

export interface Usage {
  cpuSeconds: number;
  /** Resident memory in MB. */
  memoryMb: number;
}

interface Stat {
  pid: number;
  parent: number;
  cpuTicks: number;
  residentPages: number;
}

async function statOf(pid: string): Promise<Stat | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name is in parentheses and may hold blanks.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
    const cpuTicks = user + system + childUser + childSystem;
    return { pid: Number(pid), parent, cpuTicks, residentPages: fields[21] ?? 0 };
  } catch (error) {
    // It ended while it was being read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** What a process and everything below it has used. Linux only. */
export async function usageOf(pid: number): Promise<Usage> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = (await Promise.all(pids.map(statOf))).filter((stat) => stat !== undefined);
  const family = new Set([pid]);
  for (let grown = -1; grown !== family.size; ) {
    grown = family.size;
    for (const stat of stats) if (family.has(stat.parent)) family.add(stat.pid);
  }
  const members = stats.filter((stat) => family.has(stat.pid));
  return {
    cpuSeconds: members.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) / TICKS_PER_SECOND,
    memoryMb: members.reduce((sum, { residentPages }) => sum + residentPages, 0) * (4_096 / 1_048_576),
  };
}
