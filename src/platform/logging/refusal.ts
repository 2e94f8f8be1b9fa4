import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { bearer } from '../auth/bearer.js';
import { findServiceKey, findUser } from '../auth/caller.js';
import { serviceKeyId } from '../auth/service-keys/service-key.js';

/** Why a request was refused, and whose it was, as far as that is known. */
export interface Refusal {
  readonly code: string;
  readonly keyId?: string;
  readonly userId?: string;
}

/**
 * Returns what the log says about a request that ProblemFilter refused; undefined for any other. The id of a key is no secret. Of credentials
 * that are refused it is what they claim to be, which finds the system that still uses a revoked key.
 */
export function describeRefusal(request: IncomingMessage, response: ServerResponse): Refusal | undefined {
  const { code } = (response as Response).locals;
  if (typeof code !== 'string') return undefined;
  const call = request as Request;
  const user = findUser(call);
  if (user) return { code, userId: user.userId };
  const keyId = findServiceKey(call)?.id ?? serviceKeyId(bearer(call) ?? '');
  return keyId === undefined ? { code } : { code, keyId };
}
