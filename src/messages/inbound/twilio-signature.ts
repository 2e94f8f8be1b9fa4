import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether Twilio signed this form: an HMAC-SHA1 over the URL as it was told to Twilio, and the fields in the order of their names, each name
 * with its value (twilio.com/docs/usage/security).
 */
export function isSignedByTwilio(
  { url, fields, signature }: { url: string; fields: URLSearchParams; signature: string },
  authToken: string,
): boolean {
  const sorted = [...fields].toSorted(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)));
  const content = url + sorted.map(([name, value]) => name + value).join('');
  const expected = createHmac('sha1', authToken).update(content).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
