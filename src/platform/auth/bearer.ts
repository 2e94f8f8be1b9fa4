import type { Request } from 'express';

/** Returns the credentials of the header `Authorization: Bearer …`; undefined without one. */
export function bearer(request: Request): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
