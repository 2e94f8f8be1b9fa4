import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Returns what Twilio signs a form with: an HMAC-SHA1 over the URL as it was told to Twilio, and the fields in the order of their names, each
 * name with its value (twilio.com/docs/usage/security).
 */
export function twilioSignature(url: string, fields: URLSearchParams, authToken: string): Buffer {
  const sorted = [...fields].toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)));
  const content = url + sorted.map(([name, value]) => name + value).join('');
  return createHmac('sha1', authToken).update(content).digest();
}

/** Whether Twilio signed this form. */
export function isSignedByTwilio(
  { url, fields, signature }: { url: string; fields: URLSearchParams; signature: string },
  authToken: string,
): boolean {
  const expected = twilioSignature(url, fields, authToken);
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
