import type { SendResult } from './push-provider.js';

/** Deadlines by the names that undici, Node and firebase-admin give them. */
const DEADLINES = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_ABORTED',
  'ABORT_ERR',
  'ETIMEDOUT',
]);
const MAX_CAUSES = 4;

/**
 * What it means that a vendor could not be reached, or did not answer: again, since the message is as good as before. A certificate
 * that cannot be verified is one too: it may be the vendor's mistake, and a push that is lost does not come back. (What stays broken
 * opens the circuit, and that is seen.) The reason is the error's code and never its text, in which an address may stand.
 */
export function networkErrorResult(error: unknown): SendResult {
  const code = codeOf(error);
  return { is: 'again', afterMs: undefined, reason: DEADLINES.has(code) ? 'deadline' : code };
}

function codeOf(error: unknown): string {
  let found = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof found === 'object' && found !== null; depth += 1) {
    const { code, name, cause } = found as { code?: unknown; name?: unknown; cause?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code)) return code;
    if (name === 'AbortError' || name === 'TimeoutError') return 'ABORT_ERR';
    found = cause;
  }
  return 'network';
}
