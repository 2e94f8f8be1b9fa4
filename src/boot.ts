import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { SocketIoAdapter } from './live/socketio/socket-io.adapter.js';
import type { Config } from './platform/config/config.js';
import { setUpHttp } from './platform/http/http-setup.js';
import { serveDocs } from './platform/http/openapi.js';
import { LifecycleService } from './platform/lifecycle.service.js';

/** A node that is ready for traffic; its `close()` stops everything in reverse order. */
export async function boot(config: Config): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), {
    bodyParser: false,
    // Open event streams and idle keep-alive connections must not hold the process up; by then devices were sent away.
    forceCloseConnections: true,
    bufferLogs: true,
  });
  app.useLogger(app.get(Logger));
  setUpHttp(app, config);
  app.useWebSocketAdapter(new SocketIoAdapter(app, config));
  serveDocs(app);
  await app.listen(config.PORT, config.HOST);
  app.get(LifecycleService).booted();
  return app;
}
