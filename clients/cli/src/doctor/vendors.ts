import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Check, CHECK_TIMEOUT_MS, fail, ok, reasonOf } from './check.js';
import type { KnownSettings } from './settings-check.js';
import { checkCertificate, type TlsEndpoint } from './tls-check.js';

/** Returns the hosts that the server calls with these settings. */
export function vendorEndpoints(config: KnownSettings): TlsEndpoint[] {
  const ca = config.PUSH_CA_FILE;
  const google = config.GOOGLE_SERVICE_ACCOUNT_KEY;
  return [
    ...(config.STRIPE_API_KEY
      ? [{ name: 'Stripe', url: config.STRIPE_API_BASE ?? 'https://api.stripe.com' }]
      : []),
    ...(google && config.GOOGLE_API_BASE ? [{ name: 'Google Play', url: config.GOOGLE_API_BASE }] : []),
    ...(google ? [{ name: "Google's sign-in", url: google.token_uri }] : []),
    ...(config.GOOGLE_PUBSUB_AUDIENCE && config.GOOGLE_JWKS_URL
      ? [{ name: "Google's keys", url: config.GOOGLE_JWKS_URL }]
      : []),
    ...(config.APNS_KEY
      ? [{ name: 'APNs', url: config.APNS_ORIGIN ?? 'https://api.push.apple.com', ca }]
      : []),
    ...(config.FCM_CREDENTIALS
      ? [{ name: 'FCM', url: config.FCM_ORIGIN ?? 'https://fcm.googleapis.com', ca }]
      : []),
    ...(config.VAPID_PRIVATE_KEY
      ? webPushHosts(config).map((host) => ({ name: 'Web Push', url: `https://${host}`, ca }))
      : []),
  ];
}

/** Browsers have more of them; Firefox' and Chrome's stand for all. */
const webPushHosts = ({ WEBPUSH_HOSTS }: KnownSettings): readonly string[] =>
  WEBPUSH_HOSTS ?? ['updates.push.services.mozilla.com', 'fcm.googleapis.com'];

/** How long Apple's root certificates, with which its webhooks are verified, are still valid. */
export function checkAppleRoots(files: readonly string[]): Check[] {
  return files.map((file) => {
    try {
      return checkCertificate(
        "Apple's root",
        file,
        new Date(new X509Certificate(readFileSync(file)).validTo),
      );
    } catch (error) {
      return fail(
        "Apple's root",
        `${file} cannot be read: ${reasonOf(error)}`,
        'docs/operate/connect.md says where to get it.',
      );
    }
  });
}

/** Fetches the public keys that verify user tokens. */
export async function checkKeyServer(url: string): Promise<Check> {
  const advice = 'Check AUTH_JWKS_URL: without these keys no user can connect.';
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    if (!response.ok) return fail('key server', `answers with ${response.status}`, advice);
    const { keys } = (await response.json()) as { keys?: unknown[] };
    return keys && keys.length > 0
      ? ok('key server', `publishes ${keys.length} key${keys.length === 1 ? '' : 's'}`)
      : fail('key server', 'publishes no keys', advice);
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    return fail('key server', `cannot be reached: ${reasonOf(cause ?? error)}`, advice);
  }
}
