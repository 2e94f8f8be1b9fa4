import { fileURLToPath } from 'node:url';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import type { Response } from 'express';
import { pageHeaders } from '../pages/page-headers.js';
import { openApiDocument } from './openapi.js';

/** Where `npm start` and the image's build put the documentation (docs/.vitepress). Until then its pages are not found. */
const SITE = fileURLToPath(new URL('../../../../docs/.vitepress/dist/', import.meta.url));

/** Serves the documentation at /docs/, a page to browse the HTTP API at /docs/api, and the OpenAPI document at /docs-json. */
export function serveDocs(app: NestExpressApplication): void {
  SwaggerModule.setup('docs/api', app, () => openApiDocument(app), {
    customSiteTitle: 'Usher: HTTP API',
    // An operation has an address: /docs/api#/{tag}/{operationId}.
    swaggerOptions: { deepLinking: true },
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
  });
  app.useStaticAssets(SITE, { prefix: '/docs', extensions: ['html'], setHeaders });
}

/** Assets have a hash of their content in their names, and never change. */
function setHeaders(response: Response, path: string): void {
  response.set(pageHeaders(undefined));
  if (path.startsWith(`${SITE}assets/`)) response.set('Cache-Control', 'public, max-age=31536000, immutable');
}
