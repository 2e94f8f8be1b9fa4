import type { SendResult } from '../push-provider.js';

/** An answer of FCM's v1 API other than 200. */
export interface FcmErrorResponse {
  readonly status: number;
  /** `errorCode` of its FcmError detail, or else the status in words: UNREGISTERED, INVALID_ARGUMENT … */
  readonly code: string | undefined;
  /** Whether it says that the field at fault is the token, or the installation id. */
  readonly namesAddress: boolean;
  readonly retryAfterMs: number | undefined;
}

/** Google: without a Retry-After, wait a minute before the next try. */
const QUOTA_MS = 60_000;

type Of = (refusal: FcmErrorResponse) => SendResult;
const again =
  (reason: string, elseMs?: number): Of =>
  ({ retryAfterMs }) => ({ is: 'again', afterMs: retryAfterMs ?? elseMs, reason });
const ourFault =
  (reason: string): Of =>
  () => ({ is: 'our_fault', reason });

/**
 * Google's table, "FCM error codes", and the canonical codes beneath it. INVALID_ARGUMENT alone never kills an address: most often it
 * is the message. SENDER_ID_MISMATCH is our fault: the address is good for another project, and forgetting every address over
 * wrong FCM_CREDENTIALS would be worse than an alarm. So is a bare NOT_FOUND: it is the project that is not there.
 */
const BY_CODE: ReadonlyMap<string, Of> = new Map<string, Of>([
  ['UNREGISTERED', () => ({ is: 'gone', since: undefined, reason: 'UNREGISTERED' })],
  [
    'INVALID_ARGUMENT',
    ({ namesAddress }) =>
      namesAddress
        ? { is: 'gone', since: undefined, reason: 'INVALID_ADDRESS' }
        : { is: 'sender_fault', reason: 'INVALID_ARGUMENT' },
  ],
  ['SENDER_ID_MISMATCH', ourFault('SENDER_ID_MISMATCH')],
  ['THIRD_PARTY_AUTH_ERROR', ourFault('THIRD_PARTY_AUTH_ERROR')],
  ['APNS_AUTH_ERROR', ourFault('THIRD_PARTY_AUTH_ERROR')],
  ['UNAUTHENTICATED', ourFault('UNAUTHENTICATED')],
  ['PERMISSION_DENIED', ourFault('PERMISSION_DENIED')],
  ['NOT_FOUND', ourFault('NOT_FOUND')],
  ['QUOTA_EXCEEDED', again('QUOTA_EXCEEDED', QUOTA_MS)],
  ['RESOURCE_EXHAUSTED', again('QUOTA_EXCEEDED', QUOTA_MS)],
  ['UNAVAILABLE', again('UNAVAILABLE')],
  ['INTERNAL', again('INTERNAL')],
  ['DEADLINE_EXCEEDED', again('UNAVAILABLE')],
  ['ABORTED', again('UNAVAILABLE')],
]);

export function toFcmResult(refusal: FcmErrorResponse): SendResult {
  const known = refusal.code === undefined ? undefined : BY_CODE.get(refusal.code);
  return (known ?? byStatus(refusal.status))(refusal);
}

/** For an answer without a code, as a proxy on the way gives it, or with one that is not documented (UNSPECIFIED_ERROR). */
function byStatus(status: number): Of {
  const reason = `status_${status}`;
  if (status === 401 || status === 403) return ourFault(reason);
  if (status === 429) return again('QUOTA_EXCEEDED', QUOTA_MS);
  return status >= 500 || status < 400 ? again(reason) : () => ({ is: 'sender_fault', reason });
}
