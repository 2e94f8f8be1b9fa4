import type { UsherError } from './errors.js';
import { isRecord } from './validation.js';

/** A user token, or a function that fetches one. */
export type TokenSource = string | (() => string | Promise<string>);

/**
 * Returns the user id in a token without verifying it, or undefined if the token cannot be read. It only selects the stored
 * position, before the server has said who the user is.
 */
export function readTokenSubject(token: string): string | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(claims) && typeof claims['sub'] === 'string' ? claims['sub'] : undefined;
  } catch {
    return undefined;
  }
}

/** True if a new token may solve this error. */
export function isTokenError(error: UsherError): boolean {
  return error.code.startsWith('token_') || error.code === 'unauthorized' || error.code === 'unauthenticated';
}
