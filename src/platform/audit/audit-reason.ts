import { parse } from '../http/validation.js';
import { plainText } from '../http/text.schema.js';

/** The header in which callers say why. A header, since DELETE has no body. */
export const REASON_HEADER = 'Usher-Reason';
/** The most characters of a reason. */
export const MAX_REASON = 500;

const reason = plainText(MAX_REASON).min(1);
/** RFC 8187: how a browser sends what is not Latin-1 in a header. */
const EXTENDED = /^utf-8'[a-z0-9-]*'(.*)$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns the reason in a header as Node gives it, without white space around it. Throws Problem invalid_request. */
export function readReason(header: string): string {
  return parse(reason, decode(header)?.trim());
}

/** Node reads headers as Latin-1, but most callers send UTF-8. Returns undefined for what is encoded and cannot be decoded. */
function decode(header: string): string | undefined {
  const encoded = EXTENDED.exec(header)?.[1];
  try {
    return encoded === undefined ? utf8.decode(Buffer.from(header, 'latin1')) : decodeURIComponent(encoded);
  } catch {
    return encoded === undefined ? header : undefined;
  }
}
