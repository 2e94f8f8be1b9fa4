import {
  misconfigured,
  networkErrorResult,
  rejected,
  retry,
  type SendResult,
} from '../../../platform/sending/send-result.js';

/** Authentication is needed, failed, or is too weak (RFC 4954, section 6); relaying is denied to us. */
const OUR_FAULT = new Set([530, 534, 535, 538]);
/** The server closes, or cannot at the moment: all mails would fail (RFC 5321, section 4.2.3). The other 4xx are about one mailbox. */
const SERVER_UNAVAILABLE = new Set([421, 454]);

/** Returns the result of a mail that the server, or the way to it, refused. Never the server's text, which repeats the address. */
export function smtpErrorResult(error: unknown): SendResult {
  const { responseCode, code } = (error ?? {}) as { responseCode?: unknown; code?: unknown };
  if (typeof responseCode !== 'number') {
    if (code === 'EAUTH' || code === 'ENOAUTH') return misconfigured('smtp_auth');
    // nodemailer's code of a mail whose signal was aborted.
    return code === 'EABORT' ? retry('deadline') : networkErrorResult(error);
  }
  const reason = `smtp_${responseCode}`;
  if (OUR_FAULT.has(responseCode)) return misconfigured(reason);
  if (responseCode >= 500) return rejected(reason);
  return retry(SERVER_UNAVAILABLE.has(responseCode) ? reason : 'deferred');
}
