import { isRecord } from './envelope.js';

/** A token, or what fetches one. */
export type TokenSource = string | (() => string | Promise<string>);

/**
 * The user that a token speaks for, unverified: it only chooses the name under which a position is stored, before the
 * server has said who this is. Undefined for a token that cannot be read so.
 */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(claims) && typeof claims['sub'] === 'string' ? claims['sub'] : undefined;
  } catch {
    return undefined;
  }
}
