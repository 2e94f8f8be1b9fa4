import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiHeader } from '@nestjs/swagger';
import type { Request } from 'express';
import { findBackOffice } from '../auth/caller.js';
import { leastScope } from '../auth/service-keys/service-key.js';
import { neededScope } from '../auth/service-keys/service-key.guard.js';
import { Problem } from '../http/problem.js';
import { requestIdOf } from '../http/request-id.js';
import type { AuditContext } from './audit-entry.js';
import { MAX_REASON, readReason, REASON_HEADER } from './audit-reason.js';

/** The metadata of a route that is told by the audit, and whether it needs a reason. */
export const AUDITED_METADATA = 'usher:audited';
const reflector = new Reflector();

/** Route decorator: the call is told by the audit, and takes the header `Usher-Reason`. Its handler needs a CurrentAuditContext. */
export const Audited = (reason: 'optional' | 'required' = 'optional') =>
  applyDecorators(
    SetMetadata(AUDITED_METADATA, reason),
    ApiHeader({
      name: REASON_HEADER,
      required: reason === 'required',
      description: 'Why, for the audit. Name a case rather than a person.',
      schema: { type: 'string', minLength: 1, maxLength: MAX_REASON },
    }),
  );

/** Parameter decorator: the AuditContext of the call, for the service that makes the change. Throws Problem invalid_request without a reason that is needed. */
export const CurrentAuditContext = createParamDecorator(
  (_: unknown, context: ExecutionContext): AuditContext => {
    const request = context.switchToHttp().getRequest<Request>();
    const caller = findBackOffice(request);
    if (!caller) throw new Problem('unauthorized', 'A valid service key is needed.');
    const { kind, id, name, scopes } = caller;
    return {
      actor: { kind, id, name },
      role: leastScope(scopes, neededScope(context)),
      reason: reasonOf(request, {
        isRequired: reflector.get<string>(AUDITED_METADATA, context.getHandler()) === 'required',
      }),
      requestId: requestIdOf(request),
    };
  },
);

function reasonOf(request: Request, { isRequired }: { isRequired: boolean }): string | undefined {
  const header = request.get(REASON_HEADER);
  if (header !== undefined) return readReason(header);
  if (!isRequired) return undefined;
  throw new Problem('invalid_request', `The header ${REASON_HEADER} is needed: say why, for the audit.`);
}
