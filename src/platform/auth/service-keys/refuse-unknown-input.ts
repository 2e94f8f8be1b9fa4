import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { Request } from 'express';
import { z } from 'zod';
import { parse } from '../../http/validation.js';

/** Which parts of a request the handler reads by schemas, which refuse what they do not know. */
interface ReadParts {
  readonly query: boolean;
  readonly body: boolean;
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

const nothing = z.strictObject({});
const readParts = new WeakMap<Handler, ReadParts>();

/**
 * Throws Problem invalid_request for a query parameter, or a field of a JSON body, of a call whose handler reads no query or no body: without
 * it a call that says less than its caller meant would be carried out.
 */
export function refuseUnknownInput(context: ExecutionContext, request: Request): void {
  const { query, body } = partsOf(context);
  if (!query) parse(nothing, request.query);
  // Bodies that are streams, and those that were not sent, are undefined.
  if (!body && request.body !== undefined) parse(nothing, request.body);
}

function partsOf(context: ExecutionContext): ReadParts {
  const handler = context.getHandler();
  const known = readParts.get(handler);
  if (known) return known;
  // Nest's own record of the decorated parameters, by `type:index`; those of other decorators have a text as their type.
  const record: unknown = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name);
  const types = new Set(Object.keys(record ?? {}).map((key) => Number(key.split(':')[0])));
  const parts = { query: types.has(RouteParamtypes.QUERY), body: types.has(RouteParamtypes.BODY) };
  readParts.set(handler, parts);
  return parts;
}
