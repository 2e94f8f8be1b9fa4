/*
 * The HTTP API as an OpenAPI document, the one that a running server shows at /docs-json. Nest builds it from the controllers
 * alone (`preview` makes no providers), so neither PostgreSQL nor Redis is needed, nor is anything started.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../dist/app.module.js';
import { readConfig } from '../dist/platform/config/config.js';
import { openApiDocument } from '../dist/platform/http/docs/openapi.js';

/** What the boot asks for; nothing of it is used. */
const config = readConfig({
  DATABASE_URL: 'postgres://localhost/nothing',
  REDIS_URL: 'redis://localhost',
  AUTH_JWT_SECRET: 'nothing is verified with this secret',
});

/** The document, as a plain object. */
export async function openApi() {
  const app = await NestFactory.create(AppModule.with(config), {
    preview: true,
    abortOnError: false,
    logger: false,
  });
  const document = openApiDocument(app);
  await app.close();
  return document;
}
