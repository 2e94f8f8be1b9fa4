import { execFile } from 'node:child_process';
import { appendFile, chown, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../../../tools/databases/postgres.mjs';
import { eventually } from '../eventually.js';
import { type FaultProxy, proxyDatabase } from './fault-proxy.js';
import { freePort } from './ports.js';

/** A streaming standby: asynchronous, so a primary that dies takes with it what was not streamed yet. */
export interface Standby {
  readonly port: number;
  /** Between it and its primary: what is committed while it is `cut` never arrives. */
  readonly replication: FaultProxy;
  /** Waits until it has everything that the primary has committed so far. */
  catchUp(): Promise<void>;
  /** Makes it the primary. From then on it writes under the next timeline. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

/** Copies a running primary as a base backup does, and starts the copy as its standby. */
export async function startStandby(primary: EmbeddedPostgres): Promise<Standby> {
  const dataDir = `${primary.dataDir}-standby`;
  const { proxy, url } = await proxyDatabase(primary.url);
  await backUp(primary, dataDir);
  await follow(dataDir, url);
  const server = await startPostgres({ dataDir, port: await freePort(), durable: false });
  const ask = (text: string, values: unknown[] = []) => askOnce(server.url, text, values);
  return {
    port: server.port,
    replication: proxy,
    async catchUp() {
      const committed = await askOnce(primary.url, 'SELECT pg_current_wal_lsn()::text AS answer');
      await eventually('the standby has everything', () =>
        ask('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS answer', [committed]),
      );
    },
    promote: async () => void (await ask('SELECT pg_promote() AS answer')),
    async stop() {
      await server.stop();
      await proxy.close();
    },
  };
}

async function backUp(primary: EmbeddedPostgres, dataDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  try {
    await client.query(`SELECT pg_backup_start('standby', true)`);
    await promisify(execFile)('cp', ['-a', primary.dataDir, dataDir]);
    const { rows } = await client.query<{ labelfile: string }>('SELECT * FROM pg_backup_stop(false)');
    await writeFile(join(dataDir, 'backup_label'), String(rows[0]?.labelfile));
    await rm(join(dataDir, 'postmaster.pid'));
  } finally {
    await client.end();
  }
}

/** `url`: its primary's. The files that are written here must belong to the account that runs the server. */
async function follow(dataDir: string, url: string): Promise<void> {
  const { hostname, port, username, password } = new URL(url);
  const primary = `host=${hostname} port=${port} user=${username} password=${password}`;
  await appendFile(join(dataDir, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`);
  await writeFile(join(dataDir, 'standby.signal'), '');
  const { uid, gid } = await stat(dataDir);
  for (const file of ['backup_label', 'standby.signal']) await chown(join(dataDir, file), uid, gid);
}

async function askOnce(url: string, text: string, values: unknown[] = []): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ answer: unknown }>(text, values)).rows[0]?.answer;
  } finally {
    await client.end();
  }
}
