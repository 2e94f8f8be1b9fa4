import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  applyDecorators,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { Request } from 'express';
import { SCOPE_EXTENSION } from '../../http/docs/operation.js';
import { Problem } from '../../http/problem.js';
import { findBackOffice } from '../caller.js';
import { refuseUnknownInput } from './refuse-unknown-input.js';
import { hasScope, type Scope } from './service-key.js';

/** The metadata of a route or controller that needs a scope: which. */
export const SCOPE_METADATA = 'usher:scope';
const reflector = new Reflector();

/** Returns the scope that the call needs. */
export const neededScope = (context: ExecutionContext): Scope =>
  reflector.getAllAndOverride<Scope>(SCOPE_METADATA, [context.getHandler(), context.getClass()]);

/** Checks the scopes of the service key or person, whom AuthenticationService has identified, and what is sent: see NeedsScope. */
@Injectable()
export class ServiceKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    const caller = findBackOffice(request);
    if (!caller) throw new Problem('unauthorized', 'A valid service key is needed.');
    const scope = neededScope(context);
    if (!hasScope(caller.scopes, scope))
      throw new Problem('forbidden', `The scope "${scope}" is needed, which this ${caller.kind} lacks.`);
    refuseUnknownInput(context, request);
    return true;
  }
}

/**
 * Protects the calls of back offices: 401 without a valid service key, 403 if it lacks the scope, 400 for a query or a body that the call does
 * not have.
 */
export const NeedsScope = (scope: Scope) =>
  applyDecorators(
    SetMetadata(SCOPE_METADATA, scope),
    UseGuards(ServiceKeyGuard),
    ApiBearerAuth('service key'),
    ApiExtension(SCOPE_EXTENSION, scope),
  );
