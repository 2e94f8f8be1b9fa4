/* A second installation beside that of the bench: a database of its own on the same server. In Redis an installation's names begin with its own. */
import pg from 'pg';
import { migrate } from '../tools/migrate.mjs';

/** Returns the URL of a new, migrated database `usher_<topic>_…` on that server. */
export async function newInstallation(databaseUrl, topic) {
  const name = `usher_${topic}_${process.pid}`;
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name}`);
  } finally {
    await admin.end();
  }
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return url.href;
}
