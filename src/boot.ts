import 'reflect-metadata';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { SocketIoAdapter } from './live/socketio/socket-io.adapter.js';
import { type Config, ConfigError, loadConfig } from './platform/config/config.js';
import { readProcessNumber } from './platform/config/process-number.js';
import { collectGarbageLessOften } from './platform/garbage-collection.js';
import { UsherExpressAdapter } from './platform/http/usher-express.adapter.js';
import { setUpHttp } from './platform/http/http-setup.js';
import { serveDocs } from './platform/http/docs/serve-docs.js';
import { readableStack } from './platform/logging/readable-stack.js';
import { LifecycleService } from './platform/lifecycle.service.js';
import { Primary } from './platform/processes/primary.js';
import { PrimaryLinkService } from './platform/processes/primary-link.service.js';

/** What development adds to a node: its settings, and the module of the demo page. Called once, before the node starts. */
export type Development = (
  config: Config,
) => Promise<{ readonly config: Config; readonly module: DynamicModule }>;

/** Starts a node. Returns it when it is ready for traffic; its `close()` stops everything in reverse order. `demo`: see AppModule. */
export async function boot(config: Config, demo?: DynamicModule): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(config, demo),
    new UsherExpressAdapter(),
    // Open event streams and idle keep-alive connections must not delay the end of the process; devices were sent away before. Nest's
    // adapter of Socket.IO asks for this option too, and would wait for them otherwise.
    { bodyParser: false, bufferLogs: true, forceCloseConnections: true },
  );
  app.useLogger(app.get(Logger));
  setUpHttp(app, config);
  app.useWebSocketAdapter(new SocketIoAdapter(app, config));
  serveDocs(app);
  await app.listen(config.PORT, config.HOST);
  app.get(PrimaryLinkService).ready(() => app.get(LifecycleService).booted());
  return app;
}

/**
 * Starts a node with the configuration in the environment and returns it, or with PROCESSES several. Writes why to stderr and exits with 1
 * when that fails. `development`: used only if NODE_ENV says so.
 */
export async function bootFromEnvironment(development?: Development): Promise<INestApplication> {
  try {
    const config = loadConfig();
    if (config.PROCESSES > 1 && readProcessNumber() === undefined) {
      // Loaded only here: a process that serves alone has nothing to do with it.
      const { default: cluster } = await import('node:cluster');
      process.exit(await new Primary(config, cluster).run());
    }
    collectGarbageLessOften();
    const added = config.NODE_ENV === 'development' ? await development?.(config) : undefined;
    const app = await boot(added?.config ?? config, added?.module);
    return app.enableShutdownHooks();
  } catch (error) {
    process.stderr.write(
      `${error instanceof ConfigError ? error.message : String(error instanceof Error ? readableStack(error) : error)}\n`,
    );
    process.exit(1);
  }
}
