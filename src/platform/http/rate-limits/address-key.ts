const IPV6_GROUPS = 8;
/** A customer of a provider has at least a /64, and can use any address in it. */
const NETWORK_GROUPS = 4;

/** Returns what counts as one caller without credentials: an IPv4 address, or the /64 of an IPv6 address. */
export function addressKey(ip = ''): string {
  if (!ip.includes(':')) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = '', after = ''] = ip.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const zeros = IPV6_GROUPS - groups(before).length - groups(after).length;
  const all = [...groups(before), ...Array<string>(Math.max(0, zeros)).fill('0'), ...groups(after)];
  return all.slice(0, NETWORK_GROUPS).join(':');
}
