import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from './database.js';
import { isOutage } from './outage.js';
import { named } from './statement.js';

/** Injection token of the installation's name, with which its Redis keys begin (see redis/keys.ts). */
export const INSTALLATION = Symbol('INSTALLATION');

const READ = named('installation', 'SELECT name FROM installation');
const ATTEMPTS = 30;
const RETRY_MS = 1_000;

/** Returns the name. Retries for half a minute, for a PostgreSQL that is still starting; then throws. */
export async function readInstallationName(database: Database): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [row] = await database.run<{ name: string }>('critical', READ, []);
      if (!row) throw new Error('the installation row is missing: run the migrations');
      return row.name;
    } catch (error) {
      if (!isOutage(error) || attempt === ATTEMPTS) throw error;
      await pause(RETRY_MS);
    }
  }
}
