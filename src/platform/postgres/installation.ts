import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from './database.js';
import { isOutage } from './outage.js';
import { named } from './statement.js';

/** The installation's name, which keeps its Redis keys apart from those of others. */
export const INSTALLATION = Symbol('INSTALLATION');

const READ = named('installation', 'SELECT name FROM installation');
const ATTEMPTS = 30;
const BETWEEN_MS = 1_000;

/** Reads the name at boot; waits half a minute for a PostgreSQL that is still starting. */
export async function readInstallationName(database: Database): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [row] = await database.run<{ name: string }>('critical', READ, []);
      if (!row) throw new Error('the installation row is missing: run the migrations');
      return row.name;
    } catch (error) {
      if (!isOutage(error) || attempt === ATTEMPTS) throw error;
      await pause(BETWEEN_MS);
    }
  }
}
