import 'reflect-metadata';
import { boot } from './boot.js';
import { ConfigError } from './platform/config/config.js';
import { loadConfig } from './platform/config/environment.js';

/** Boots the roles that the environment asks for; nothing else. */
try {
  const app = await boot(loadConfig());
  app.enableShutdownHooks();
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
}
