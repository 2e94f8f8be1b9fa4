import { applyDecorators } from '@nestjs/common';
import { ApiExtension, ApiOperation } from '@nestjs/swagger';
import type { ProblemCode } from '../problem.js';

/** Where the document holds the codes of an operation until its responses are made of them. */
export const PROBLEMS_EXTENSION = 'x-problems';

/** Which scope a call needs, for readers of the document that are programs. */
export const SCOPE_EXTENSION = 'x-scope';

/** What the documentation says of a call, besides its parameters, body and response, which follow from their schemas. */
export interface OperationDescription {
  /** The operationId: a verb and what it acts on, as `putPlan`. Generated clients name their methods by it, so it is never renamed. */
  readonly id: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the summary leaves out. */
  readonly description?: string;
  /** The errors of this call alone. Those of authentication, validation, rate limits and outages are added by themselves. */
  readonly problems?: readonly ProblemCode[];
}

/** Route decorator: how the call is documented. Every route has one (test/story/http/openapi.test.ts). */
export const Operation = ({ id, summary, description, problems = [] }: OperationDescription) =>
  applyDecorators(
    ApiOperation({ operationId: id, summary, ...(description !== undefined && { description }) }),
    ApiExtension(PROBLEMS_EXTENSION, [...problems]),
  );
