/*
 * A PostgreSQL that outlived its parent. `postmaster.pid` in a data folder names the server that uses it, or did: after a
 * crash the number may belong to any other program by now. We stop only what runs `postgres -D <that folder>`, and only when
 * the run that started it (named on its command line) is not its parent any more: stopping a live run's database would be
 * the worse failure, so that one is refused with a sentence.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { argumentsOf, isAlive, parentOf } from '../processes.mjs';

export const ownerSetting = 'usher.owner';

/** Waits `patience` ms for a live owner to end, since it may be stopping just now. */
export async function stopLeftOver(dataDir, patience = 5000) {
  const deadline = Date.now() + patience;
  const pid = postmaster(dataDir);
  if (pid === null) return;
  if (!isPostgresOn(pid, dataDir)) return forget(pid, dataDir);
  while (isPostgresOn(pid, dataDir) && ownerOf(pid) !== null) {
    if (Date.now() > deadline) {
      throw new Error(`Usher already runs from this folder (process ${ownerOf(pid)}). Stop that one first.`);
    }
    await sleep(100);
  }
  for (const [signal, seconds] of [
    ['SIGINT', 10],
    ['SIGQUIT', 5],
    ['SIGKILL', 5],
  ]) {
    if (await isGoneAfter(signal, pid, dataDir, seconds)) return;
  }
  throw new Error(`An old PostgreSQL (process ${pid}) holds ${dataDir} and does not end; end it by hand.`);
}

async function isGoneAfter(signal, pid, dataDir, seconds) {
  if (isPostgresOn(pid, dataDir)) process.kill(pid, signal);
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(50)) {
    if (!isPostgresOn(pid, dataDir)) return true;
  }
  return false;
}

function postmaster(dataDir) {
  try {
    return Number.parseInt(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8'), 10) || null;
  } catch {
    return null;
  }
}

function isPostgresOn(pid, dataDir) {
  const [program = '', ...rest] = argumentsOf(pid);
  return program.endsWith('/postgres') && rest.join(' ').startsWith(`-D ${dataDir} `);
}

function ownerOf(pid) {
  const setting = argumentsOf(pid).find((argument) => argument.startsWith(`${ownerSetting}=`));
  const owner = Number(setting?.split('=')[1]);
  return parentOf(pid) === owner ? owner : null;
}

// PostgreSQL itself forgives a dead number, but refuses for ever when the number now names another program of its account.
function forget(pid, dataDir) {
  if (isAlive(pid)) rmSync(join(dataDir, 'postmaster.pid'), { force: true });
}
