import {
  applyDecorators,
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { bearer } from '../../auth/bearer.js';
import { findPerson, findUser } from '../../auth/caller.js';
import { Problem } from '../problem.js';
import { bodyHash, type CallName, IdempotentCall, sealResponse, unsealResponse } from './idempotency.js';
import { IdempotencyStore } from './idempotency.store.js';

const MAX_KEY_LENGTH = 255;
const calls = new WeakMap<object, IdempotentCall>();

/**
 * Repeats the stored response when a call comes again with the same Idempotency-Key and body, without a second effect. A call
 * that failed is not stored.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    if (key === undefined) return next.handle();
    if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY_LENGTH) {
      throw new Problem('invalid_request', `Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters.`);
    }
    const name = { credentials: credentialsOf(request), key, route: `${request.method} ${request.path}` };
    return from(this.handleOnce(name, request, context.switchToHttp().getResponse<Response>(), next));
  }

  private async handleOnce(
    name: CallName,
    request: Request,
    response: Response,
    next: CallHandler,
  ): Promise<unknown> {
    const call = new IdempotentCall(name, response.statusCode);
    const { id } = call;
    calls.set(request, call);
    const stored = await this.store.begin(call, bodyHash(JSON.stringify(request.body ?? null)));
    if (stored) {
      response.status(stored.status).setHeader('Idempotent-Replayed', 'true');
      return JSON.parse(unsealResponse(name, stored.sealed)) as unknown;
    }
    const body: unknown = await lastValueFrom(next.handle()).catch(async (error: unknown) => {
      await this.store.release(call);
      throw error;
    });
    const json = JSON.stringify(body ?? null);
    if (json === call.storedBody && !call.isExtended) return body;
    // If this fails, the call stays "in progress" and retries are refused until it counts as abandoned.
    const isSettled = await this.store.settle(id, response.statusCode, sealResponse(name, json));
    // It took so long that a repeated call was returned what was stored with the effects: this one is returned the same.
    if (!isSettled && call.storedBody !== undefined) return JSON.parse(call.storedBody) as unknown;
    return body;
  }
}

/** Users get a new token every few minutes, and their call must stay the same call; a service key does not change, nor does a session. */
function credentialsOf(request: Request): string {
  const user = findUser(request);
  const person = findPerson(request);
  if (person) return `session ${person.sessionId}`;
  return user ? `user ${user.userId}` : (bearer(request) ?? '');
}

/** Route decorator: the call honours the header `Idempotency-Key` (docs/CONTRACT.md, "HTTP"). */
export const Idempotent = () =>
  applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'Same key and body: same answer, one effect.',
    }),
  );

/** Parameter decorator: the IdempotentCall, for a service that stores the response with its effects; undefined without a key. */
export const CurrentIdempotentCall = createParamDecorator((_: unknown, context: ExecutionContext) =>
  calls.get(context.switchToHttp().getRequest<Request>()),
);
