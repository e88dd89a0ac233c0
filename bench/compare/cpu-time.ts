import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second on Linux, on every architecture that Node.js supports. */
const usPerTick = 10_000;

interface ProcessTimes {
  parent: number;
  ticks: number;
}

/**
 * CPU time of a process and of those under it, children that have ended included, in microseconds. undefined where
 * there is no /proc.
 */
export function readCpuUs(pid: number): number | undefined {
  const processes = readProcesses();
  const own = processes.get(pid);
  if (!own) return undefined;
  let ticks = 0;
  for (const [id, { ticks: more }] of processes) if (descends(processes, id, pid)) ticks += more;
  return ticks * usPerTick;
}

function descends(processes: Map<number, ProcessTimes>, id: number, ancestor: number): boolean {
  for (let at: number | undefined = id; at; at = processes.get(at)?.parent) if (at === ancestor) return true;
  return false;
}

function readProcesses(): Map<number, ProcessTimes> {
  const processes = new Map<number, ProcessTimes>();
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return processes;
  }
  for (const name of names) {
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The second field is the program's name in parentheses, and may hold anything.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const [parent, ...times] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]));
      processes.set(Number(name), { parent: parent ?? 0, ticks: times.reduce((sum, more) => sum + more, 0) });
    } catch {
      // Ended between the two calls.
    }
  }
  return processes;
}
