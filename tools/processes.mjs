/*
 * Processes that we start and must not leave behind. A server of ours gets its own process group, so that Ctrl-C in the
 * terminal reaches only `tools/run.mjs`, which then stops everything in order. If run.mjs itself is killed with -9 nobody
 * is left to do that; so each server has a guard: a tiny shell that waits on a pipe which only we hold open. The kernel
 * closes it when we die, however we die, and the guard then stops the server.
 */
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const guardScript = 'trap "" INT TERM HUP; read -r _; kill -s "$2" "$1" 2>/dev/null';

/** Starts a server in its own process group which gets `lastSignal` when this process dies. `exited` never rejects. */
export function startServer(command, args, { lastSignal = 'KILL', ...options }) {
  const child = spawn(command, args, { detached: true, ...options });
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
  if (child.pid !== undefined) endWithUs(child.pid, lastSignal, exited);
  return {
    child,
    pid: child.pid,
    exited,
    isRunning: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
  };
}

/** Runs the signals one after the other, each with its patience in ms, until the server has exited. */
export async function stopServer(server, steps) {
  for (const [signal, patience] of steps) {
    if (!server.isRunning()) return;
    server.child.kill(signal);
    await Promise.race([server.exited, sleep(patience, undefined, { ref: false })]);
  }
}

const ignore = () => {};

/** Runs a command in the foreground with our terminal; Ctrl-C reaches it directly, and SIGTERM is passed on. Gives its exit code. */
export async function runToEnd(command, args, options) {
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  const exited = new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
    child.once('error', reject);
  });
  endWithUs(
    child.pid,
    'KILL',
    exited.catch(() => {}),
  );
  const pass = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass);
  try {
    return await exited;
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', pass).off('SIGHUP', pass);
  }
}

function endWithUs(pid, signal, exited) {
  const guard = spawn('sh', ['-c', guardScript, 'usher-guard', String(pid), signal], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  guard.on('error', () => {}); // no shell here: the next start cleans up instead
  guard.stdin.on('error', () => {});
  guard.unref();
  guard.stdin.unref?.();
  void exited.then(() => guard.kill('SIGKILL'));
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The arguments a process was started with; empty when there is no such process. */
export function argumentsOf(pid) {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
  } catch {
    return [];
  }
}

export function parentOf(pid) {
  return process.platform === 'linux'
    ? parentOnLinux(pid)
    : everyProcess().find((one) => one.pid === pid)?.parent;
}

export function childrenOf(pid) {
  return everyProcess()
    .filter((one) => one.parent === pid)
    .map((one) => one.pid);
}

function everyProcess() {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => ({ pid: Number(pid), parent: parentOnLinux(pid) }));
  }
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/).map(Number)).map(([pid, parent]) => ({ pid, parent }));
}

function parentOnLinux(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]); // the name in brackets may hold spaces
  } catch {
    return undefined; // it has ended
  }
}

/** Whether there is a file that may be executed. */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
