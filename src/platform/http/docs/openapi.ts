import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { completeDocument } from './complete-document.js';
import { schemaConverter } from './schema-converter.js';

/** Returns the OpenAPI document, generated from the zod schemas that validate the calls. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const document = new DocumentBuilder()
    .setTitle('Usher')
    .setDescription(
      'Every device of a user in step. Errors are application/problem+json with a stable `code` and `retryable`. Every response has an `X-Request-Id`: yours, if you sent one.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'The node that serves this document')
    .addTag('apps', 'Calls of apps, each with the token of its user')
    .addTag('back offices', 'Calls of your systems and people, each with a service key')
    .addTag('edge nodes', 'Calls of what sends video: entitlements, streams, leases')
    .addTag('processors', 'Webhooks of payment processors')
    .addTag('operations', 'Keys, revocations, probes')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "A user's JWT" },
      'user token',
    )
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'A service key with the scope that the call needs' },
      'service key',
    )
    .build();
  return completeDocument(
    SwaggerModule.createDocument(app, document, { standardSchemaConverter: schemaConverter() }),
  );
}

/** Serves the OpenAPI document and a page to browse it, at /docs. An operation has an address: `/docs#/{tag}/{operationId}`. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    customSiteTitle: 'Usher: HTTP API',
    swaggerOptions: { deepLinking: true },
  });
}
