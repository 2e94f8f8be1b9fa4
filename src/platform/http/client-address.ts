import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';

const IPV6_GROUPS = 8;
/** A customer of a provider has at least a /64, and can use any address in it. */
const NETWORK_GROUPS = 4;

/**
 * Returns the function that tells whose request it is, as a key for limits of callers without credentials. `X-Forwarded-For` is believed
 * as far as these proxies wrote it (TRUSTED_PROXIES).
 */
export function clientAddressBehind(proxies: readonly string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile([...proxies]);
  return (request) => networkOf(proxyAddr(request, isTrusted));
}

/** Returns what counts as one caller: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(ip = ''): string {
  if (!ip.includes(':')) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = '', after = ''] = ip.toLowerCase().split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const zeros = IPV6_GROUPS - groups(before).length - groups(after).length;
  const all = [...groups(before), ...Array<string>(Math.max(0, zeros)).fill('0'), ...groups(after)];
  return all.slice(0, NETWORK_GROUPS).join(':');
}
