import {
  misconfigured,
  rejected,
  retry,
  type SendResult,
  unregistered,
} from '../../../platform/sending/send-result.js';

/** A response of FCM's v1 API other than 200. */
export interface FcmErrorResponse {
  readonly status: number;
  /** `errorCode` of its FcmError detail, or else the canonical status: UNREGISTERED, INVALID_ARGUMENT … */
  readonly code: string | undefined;
  /** Whether it names the token, or the installation id, as the field at fault. */
  readonly namesAddress: boolean;
  readonly retryAfterMs: number | undefined;
}

/** Google: without a Retry-After, wait a minute before the next try. */
const QUOTA_RETRY_MS = 60_000;

type ToResult = (response: FcmErrorResponse) => SendResult;

const retryWith =
  (reason: string, defaultMs?: number): ToResult =>
  ({ retryAfterMs }) =>
    retry(reason, retryAfterMs ?? defaultMs);
const misconfiguredWith = (reason: string): ToResult => {
  const result = misconfigured(reason);
  return () => result;
};

/**
 * Google's table "FCM error codes", and the canonical codes beneath it. INVALID_ARGUMENT alone never means that an address is dead: most
 * often the message is at fault. SENDER_ID_MISMATCH is `misconfigured`: the address is good for another project, and to forget every
 * address over wrong FCM_CREDENTIALS is worse than an alarm. So is NOT_FOUND without a detail: the project does not exist.
 */
const BY_CODE: ReadonlyMap<string, ToResult> = new Map<string, ToResult>([
  ['UNREGISTERED', () => unregistered('UNREGISTERED')],
  [
    'INVALID_ARGUMENT',
    ({ namesAddress }) => (namesAddress ? unregistered('INVALID_ADDRESS') : rejected('INVALID_ARGUMENT')),
  ],
  ['SENDER_ID_MISMATCH', misconfiguredWith('SENDER_ID_MISMATCH')],
  ['THIRD_PARTY_AUTH_ERROR', misconfiguredWith('THIRD_PARTY_AUTH_ERROR')],
  ['APNS_AUTH_ERROR', misconfiguredWith('THIRD_PARTY_AUTH_ERROR')],
  ['UNAUTHENTICATED', misconfiguredWith('UNAUTHENTICATED')],
  ['PERMISSION_DENIED', misconfiguredWith('PERMISSION_DENIED')],
  ['NOT_FOUND', misconfiguredWith('NOT_FOUND')],
  ['QUOTA_EXCEEDED', retryWith('QUOTA_EXCEEDED', QUOTA_RETRY_MS)],
  ['RESOURCE_EXHAUSTED', retryWith('QUOTA_EXCEEDED', QUOTA_RETRY_MS)],
  ['UNAVAILABLE', retryWith('UNAVAILABLE')],
  ['INTERNAL', retryWith('INTERNAL')],
  ['DEADLINE_EXCEEDED', retryWith('UNAVAILABLE')],
  ['ABORTED', retryWith('UNAVAILABLE')],
]);

/** The result of a response other than 200. */
export function toFcmResult(response: FcmErrorResponse): SendResult {
  const known = response.code === undefined ? undefined : BY_CODE.get(response.code);
  return known ? known(response) : resultOfStatus(response);
}

/** For a response without a code, as a proxy may send it, or with one that is not documented (UNSPECIFIED_ERROR). */
function resultOfStatus({ status, retryAfterMs }: FcmErrorResponse): SendResult {
  const reason = `status_${status}`;
  if (status === 401 || status === 403) return misconfigured(reason);
  if (status === 429) return retry('QUOTA_EXCEEDED', retryAfterMs ?? QUOTA_RETRY_MS);
  return status >= 500 || status < 400 ? retry(reason, retryAfterMs) : rejected(reason);
}
