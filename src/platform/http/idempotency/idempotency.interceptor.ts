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
import { callerIn } from '../../auth/user-tokens/user.guard.js';
import { bodyHash, type CallName, KeyedCall, sealAnswer, unsealAnswer } from './idempotency.js';
import { IdempotencyStore } from './idempotency.store.js';
import { Problem } from '../problem.js';

const MAX_KEY = 255;
const calls = new WeakMap<object, KeyedCall>();

/** Same key and body: the same answer again, without a second effect. A refused call leaves no trace. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly store: IdempotencyStore) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    if (key === undefined) return next.handle();
    if (typeof key !== 'string' || key.length === 0 || key.length > MAX_KEY) {
      throw new Problem('invalid_request', `Idempotency-Key must have 1 to ${MAX_KEY} characters.`);
    }
    const name = { credentials: whoAsks(request), key, route: `${request.method} ${request.path}` };
    return from(this.once(name, request, context.switchToHttp().getResponse<Response>(), next));
  }

  private async once(
    name: CallName,
    request: Request,
    response: Response,
    next: CallHandler,
  ): Promise<unknown> {
    const call = new KeyedCall(name, response.statusCode);
    const { id } = call;
    calls.set(request, call);
    const before = await this.store.begin(id, bodyHash(JSON.stringify(request.body ?? null)));
    if (before) {
      response.status(before.status).setHeader('Idempotent-Replayed', 'true');
      return JSON.parse(unsealAnswer(name, before.sealed)) as unknown;
    }
    const answer: unknown = await lastValueFrom(next.handle()).catch(async (refusal: unknown) => {
      await this.store.forget(id);
      throw refusal;
    });
    const text = JSON.stringify(answer ?? null);
    if (text === call.answered) return answer;
    // Should this fail, the call stays "in progress": better a late answer than a second effect.
    await this.store.settle(id, response.statusCode, sealAnswer(name, text));
    return answer;
  }
}

/** A user's token is renewed every few minutes, and the call stays the same call; a service key stays what it is. */
function whoAsks(request: Request): string {
  const user = callerIn(request);
  return user ? `user ${user.userId}` : (bearer(request) ?? '');
}

/** The call honours `Idempotency-Key` (CONTRACT §3). */
export const Idempotent = () =>
  applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'Same key and body: same answer, one effect.',
    }),
  );

/** The call as one that may be made again, for an act that stores its answer with its effect; undefined without a key. */
export const CurrentKeyedCall = createParamDecorator((_: unknown, context: ExecutionContext) =>
  calls.get(context.switchToHttp().getRequest<Request>()),
);
