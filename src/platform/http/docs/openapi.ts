import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** Returns the OpenAPI document, generated from the zod schemas that validate the calls. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const document = new DocumentBuilder()
    .setTitle('Usher')
    .setDescription(
      'Every device of a user in step. Errors are application/problem+json with a stable `code` and `retryable`.',
    )
    .setVersion('1')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "A user's JWT" },
      'user token',
    )
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'A service key with the scope that the call needs' },
      'service key',
    )
    .build();
  return SwaggerModule.createDocument(app, document);
}

/** Serves the OpenAPI document and a page to browse it, at /docs. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { customSiteTitle: 'Usher: HTTP API' });
}
