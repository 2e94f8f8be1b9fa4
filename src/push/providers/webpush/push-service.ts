/** The push services of the browsers: Chrome and Edge on Android, Firefox, Safari, Edge on Windows. */
export const KNOWN_SERVICES: readonly string[] = [
  'fcm.googleapis.com',
  'jmt17.google.com',
  'push.services.mozilla.com',
  'push.apple.com',
  'notify.windows.com',
];

const DEFAULT_PORT = '443';

/** The push service behind an endpoint. */
export interface PushService {
  /** The entry of the allow list that matches. There are few, and a device cannot make one up. */
  readonly entry: string;
  readonly url: URL;
  /** Whether the operator listed this very host, which may therefore have a private address. */
  readonly isListedHost: boolean;
}

/**
 * Returns the push service of an endpoint, or undefined when no entry of the allow list matches: a device could make us connect to
 * anything. An entry matches its host and the subdomains of it, not a host that merely ends alike (`evilpush.apple.com`), and port 443
 * unless it names another.
 */
export function pushServiceOf(
  endpoint: string,
  allowList: readonly string[] | undefined,
): PushService | undefined {
  if (!URL.canParse(endpoint)) return undefined;
  const url = new URL(endpoint);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return undefined;
  const entry = (allowList ?? KNOWN_SERVICES).find((one) => matches(one, url));
  if (entry === undefined) return undefined;
  return { entry, url, isListedHost: allowList !== undefined && hostOf(entry) === url.hostname };
}

function matches(entry: string, { hostname, port }: URL): boolean {
  const [, entryPort = DEFAULT_PORT] = entry.split(':');
  if ((port || DEFAULT_PORT) !== entryPort) return false;
  const host = hostOf(entry);
  // An IP address has no subdomains, and it would be dialled without a DNS lookup that could refuse it.
  return hostname === host || (hostname.endsWith(`.${host}`) && !/^[\d.]+$/.test(hostname));
}

const hostOf = (entry: string): string => entry.split(':', 1)[0] ?? entry;
