/*
 * Where things live. Everything that Usher keeps on this machine (the embedded database, the development secrets) lies in
 * one state folder. For an ordinary account that is `.usher/` inside the project. Root cannot use it: PostgreSQL refuses to
 * run as root, and the account it runs as instead cannot enter a project below a 0700 home; so root keeps it under
 * /var/lib/usher, one folder per project. This file holds that decision, and nothing else decides it again.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive } from './processes.mjs';

export const project = dirname(dirname(fileURLToPath(import.meta.url)));
export const isRoot = process.getuid?.() === 0;

/** What belongs to this project: data, secrets. Made on first use. */
export function stateFolder() {
  if (!isRoot) return privateFolder(join(project, '.usher'), 0o700);
  const name = createHash('sha256').update(realpathSync(project)).digest('hex').slice(0, 12);
  return privateFolder(join(rootsFolder(), name), 0o711);
}

/** What the commands of the command line read: beside the project even for root, who is the only one to read it. */
export function environmentFile() {
  return join(privateFolder(join(project, '.usher'), 0o700), 'env');
}

/** What every project of this account shares: the copy of the PostgreSQL binaries. */
export function binariesFolder() {
  return isRoot ? rootsFolder() : stateFolder();
}

/** A folder for one run, below the system's temporary one, with those of runs that were killed swept away first. */
export function throwAwayFolder(purpose) {
  const prefix = `usher-${purpose}-`;
  const base = !isRoot || everyoneCanEnter(tmpdir()) ? tmpdir() : '/tmp';
  for (const name of readdirSync(base)) {
    const owner = name.startsWith(prefix) && Number(name.slice(prefix.length).split('-')[0]);
    if (owner && !isAlive(owner)) removeIfOurs(join(base, name));
  }
  const folder = mkdtempSync(join(base, `${prefix}${process.pid}-`));
  chmodSync(folder, isRoot ? 0o711 : 0o700);
  return folder;
}

/** Whether an account that owns nothing on the way can reach this folder. */
export function everyoneCanEnter(folder) {
  for (let at = realpathSync(folder); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function rootsFolder() {
  for (const base of ['/var/lib', tmpdir(), '/tmp']) {
    try {
      if (everyoneCanEnter(base)) return privateFolder(join(base, 'usher'), 0o755);
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error;
    }
  }
  throw new Error(
    'Found no folder that both root and the PostgreSQL account can use; set DATABASE_URL to a PostgreSQL of yours.',
  );
}

// In a shared temporary folder somebody else may have made this name first: never trust such a one with a password.
function privateFolder(folder, mode) {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(
      `${folder} belongs to another account (or is no folder). Remove it, or run Usher as its owner.`,
    );
  }
  chmodSync(folder, mode); // mkdir's mode was cut by the umask
  return folder;
}

function removeIfOurs(folder) {
  if (lstatSync(folder).uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
}
