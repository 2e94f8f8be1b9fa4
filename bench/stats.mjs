/* What the kernel says of a process, and how rounds become one number. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import pg from 'pg';

const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of a process (all threads, user and system) in µs. */
export function cpu(pid) {
  const [user, system] = ticks(pid);
  return (user + system) * TICK_US;
}

/** The same with all children, those that ended included. */
export function cpuOfFamily(pid) {
  const [user, system, endedUser, endedSystem] = ticks(pid);
  const own = (user + system + endedUser + endedSystem) * TICK_US;
  return children(pid).reduce((sum, child) => sum + (quietly(() => cpu(child)) ?? 0), own);
}

/** What all cores did since the boot that was not idling or waiting, in µs. */
export function cpuOfMachine() {
  const [user, nice, system, , , interrupts, soft] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + soft) * TICK_US;
}

/** Resident memory in KiB. */
export function rss(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

/** The greatest resident memory so far, in KiB; undefined when the process has ended. */
export function peakRss(pid) {
  const found = quietly(() => /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')));
  return found ? Number(found[1]) : undefined;
}

export function children(pid) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.map(Number).filter((one) => quietly(() => fields(one)[1]) === pid);
}

export function median(numbers) {
  const sorted = numbers.filter((number) => Number.isFinite(number)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** PostgreSQL's first process, when it runs on this machine. */
export async function postmasterOf(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  const parent = quietly(() => fields(rows[0].pid)[1]);
  await client.end();
  return parent;
}

/** Processes and all their threads to these cores; new children inherit them. */
export function pin(pids, cores) {
  for (const pid of pids)
    quietly(() => execFileSync('taskset', ['-a', '-p', '-c', cores, String(pid)], { stdio: 'ignore' }));
}

/**
 * Before other work on its core, the more the lower the `nice`; only root may. Linux weighs sessions against each other before
 * it looks at the niceness of the processes in one, so both are set.
 */
export function prefer(pids, nice) {
  for (const pid of pids) {
    quietly(() => setPriority(pid, nice));
    quietly(() => writeFileSync(`/proc/${pid}/autogroup`, String(nice)));
  }
}

const ticks = (pid) => fields(pid).slice(11, 15);

// From the third field on; the second, the name, may hold spaces and brackets.
function fields(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

function quietly(act) {
  try {
    return act();
  } catch {
    return undefined; // it has ended
  }
}
