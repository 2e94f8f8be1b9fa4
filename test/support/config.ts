import { type Config, readConfig } from '../../src/platform/config/config.js';

/** Returns the configuration of a node with only the required settings and the given ones. */
export const testConfig = (settings: Record<string, string> = {}): Config =>
  readConfig({
    DATABASE_URL: 'postgres://localhost/nothing',
    REDIS_URL: 'redis://localhost',
    AUTH_JWT_SECRET: 'nothing is verified with this secret',
    ...settings,
  });
