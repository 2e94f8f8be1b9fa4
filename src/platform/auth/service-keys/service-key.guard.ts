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
import { bearer } from '../bearer.js';
import type { Scope } from './service-key.js';
import { ServiceKeysService } from './service-keys.service.js';

const SCOPE_METADATA = 'usher:scope';

/** Checks the service key and its scope: see NeedsScope. */
@Injectable()
export class ServiceKeyGuard implements CanActivate {
  constructor(
    private readonly keys: ServiceKeysService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const key = bearer(context.switchToHttp().getRequest<Request>());
    const caller = key === undefined ? undefined : await this.keys.identify(key);
    if (!caller) throw new Problem('unauthorized', 'A valid service key is needed.');
    const scope = this.reflector.getAllAndOverride<Scope>(SCOPE_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!caller.scopes.includes(scope)) throw new Problem('forbidden', `The key lacks the scope "${scope}".`);
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
