import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from '../problem.js';
import { REQUEST_ID_HEADER } from '../request-id.js';
import { PROBLEMS_EXTENSION, SCOPE_EXTENSION } from './operation.js';
import { problemSchema } from './problem.schema.js';
import { toOpenApiSchema } from './schema-converter.js';

/** An operation, as far as it is read or completed here. */
interface Operation {
  [PROBLEMS_EXTENSION]?: ProblemCode[];
  readonly [SCOPE_EXTENSION]?: string;
  description?: string;
  readonly security?: readonly Record<string, unknown>[];
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
  readonly responses: Record<string, { description: string; headers?: object; content?: object }>;
}

const OF_ALL: ProblemCode[] = ['misdirected', 'unavailable', 'internal'];
const OF_USERS: ProblemCode[] = ['token_missing', 'token_invalid', 'token_expired', 'token_revoked'];
const OF_SERVICE_KEYS: ProblemCode[] = ['unauthorized', 'forbidden'];
const OF_JSON: ProblemCode[] = ['malformed_json', 'too_deep', 'payload_too_large', 'unsupported_media_type'];
const OF_IDEMPOTENT: ProblemCode[] = ['idempotency_in_progress', 'idempotency_mismatch'];

/** Adds what follows from the machinery that all calls pass: errors, and the header with the request id. Changes the document. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    ...(toOpenApiSchema(problemSchema, 'output').components as Record<string, object>),
  };
  document.components.headers = {
    RequestId: {
      description: 'The id by which the log knows the request: yours, if you sent one.',
      schema: { type: 'string' },
    },
  };
  for (const [path, methods] of Object.entries(document.paths))
    for (const operation of Object.values(methods) as Operation[])
      if (operation.responses) complete(operation, path);
  return document;
}

function complete(operation: Operation, path: string): void {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codesOf(operation, path)) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  delete operation[PROBLEMS_EXTENSION];
  const scope = operation[SCOPE_EXTENSION];
  if (scope !== undefined)
    operation.description = [operation.description, `Needs the scope \`${scope}\`.`]
      .filter(Boolean)
      .join('\n\n');
  for (const [status, codes] of byStatus) operation.responses[status] = problemResponse(codes);
  for (const [status, response] of Object.entries(operation.responses)) {
    response.description ||= status === '204' ? 'Done' : 'Success';
    response.headers = {
      ...response.headers,
      [REQUEST_ID_HEADER]: { $ref: '#/components/headers/RequestId' },
    };
  }
}

function codesOf(operation: Operation, path: string): ProblemCode[] {
  const { parameters = [], requestBody, security = [] } = operation;
  const schemes = new Set(security.flatMap((one) => Object.keys(one)));
  const isGiven = parameters.some((one) => one.in !== 'header') || requestBody !== undefined;
  const isIdempotent = parameters.some(({ name }) => name === 'Idempotency-Key');
  const codes = [
    ...(operation[PROBLEMS_EXTENSION] ?? []),
    ...(isGiven || isIdempotent || schemes.has('service key') ? (['invalid_request'] as const) : []),
    ...(requestBody?.content['application/json'] === undefined ? [] : OF_JSON),
    ...(schemes.has('user token') ? OF_USERS : []),
    ...(schemes.has('service key') ? OF_SERVICE_KEYS : []),
    ...(isIdempotent ? OF_IDEMPOTENT : []),
    ...(path.startsWith('/health/') ? [] : OF_ALL),
    ...(path.startsWith('/v1/') ? (['rate_limited'] as const) : []),
  ];
  return [...new Set(codes)];
}

function problemResponse(codes: readonly ProblemCode[]) {
  const [first] = codes;
  const mayRetry = codes.some((code) => PROBLEMS[code].retryable);
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('\n\n'),
    ...(mayRetry && {
      headers: {
        'Retry-After': { description: 'Seconds, where a time is known.', schema: { type: 'integer' } },
      },
    }),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { code: { type: 'string', enum: codes } } },
          ],
        },
        ...(first !== undefined && { example: exampleOf(first) }),
      },
    },
  };
}

function exampleOf(code: ProblemCode) {
  const { status, title, retryable } = PROBLEMS[code];
  const requestId = '5d0c6b1f3a9e7c42-1k';
  return { type: `/docs/errors#${code}`, title, status, code, detail: title, retryable, requestId };
}
