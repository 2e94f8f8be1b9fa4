/** The push services of the browsers: Chrome and Edge on Android, Firefox, Safari, Edge on Windows. */
export const KNOWN_SERVICES: readonly string[] = [
  'fcm.googleapis.com',
  'jmt17.google.com',
  'push.services.mozilla.com',
  'push.apple.com',
  'notify.windows.com',
];

const DEFAULT_PORT = '443';

export interface PushService {
  /** The entry of the list that lets it in: few, and none that a device can make up. */
  readonly entry: string;
  readonly url: URL;
  /** The operator named this very host, so it may stand in a private network. */
  readonly isNamed: boolean;
}

/**
 * The push service behind an endpoint, or undefined when none of the list lets it in: a device could aim us at anything. An entry
 * stands for its host and the hosts below it, never for one that merely ends alike (`evilpush.apple.com`), and for port 443
 * unless it says another.
 */
export function pushServiceOf(
  endpoint: string,
  listed: readonly string[] | undefined,
): PushService | undefined {
  if (!URL.canParse(endpoint)) return undefined;
  const url = new URL(endpoint);
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return undefined;
  const entry = (listed ?? KNOWN_SERVICES).find((one) => admits(one, url));
  if (entry === undefined) return undefined;
  return { entry, url, isNamed: listed !== undefined && hostOf(entry) === url.hostname };
}

function admits(entry: string, { hostname, port }: URL): boolean {
  const [, wanted = DEFAULT_PORT] = entry.split(':');
  if ((port || DEFAULT_PORT) !== wanted) return false;
  const host = hostOf(entry);
  // Below an address there is nothing; and it would be dialled without a look-up that could refuse it.
  return hostname === host || (hostname.endsWith(`.${host}`) && !/^[\d.]+$/.test(hostname));
}

const hostOf = (entry: string): string => entry.split(':', 1)[0] ?? entry;
