import type { Request } from 'express';

/** The credentials of `Authorization: Bearer …`, if there are any. */
export function bearer(request: Request): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
