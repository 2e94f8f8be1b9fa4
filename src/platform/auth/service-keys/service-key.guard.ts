import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  applyDecorators,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth } from '@nestjs/swagger';
import type { Request } from 'express';
import { Problem } from '../../http/problem.js';
import { findScopes } from '../caller.js';
import { hasScope, type Scope } from './service-key.js';

const SCOPE_METADATA = 'usher:scope';

/** Checks the scopes of the service key or person, whom AuthenticationService has identified: see NeedsScope. */
@Injectable()
export class ServiceKeyGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const scopes = findScopes(context.switchToHttp().getRequest<Request>());
    if (!scopes) throw new Problem('unauthorized', 'A valid service key is needed.');
    const scope = this.reflector.getAllAndOverride<Scope>(SCOPE_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!hasScope(scopes, scope))
      throw new Problem('forbidden', `The scope "${scope}" is needed, which this key or session lacks.`);
    return true;
  }
}

/** Protects the calls of back offices: 401 without a valid service key, 403 if it lacks the scope. */
export const NeedsScope = (scope: Scope) =>
  applyDecorators(
    SetMetadata(SCOPE_METADATA, scope),
    UseGuards(ServiceKeyGuard),
    ApiBearerAuth('service key'),
  );
