import { isIPv6 } from 'node:net';

/** Where a request came from, as far as the node can tell. */
export interface RequestOrigin {
  /** The other end of the TCP connection. */
  readonly remoteAddress: string | undefined;
  /** The header X-Forwarded-For. */
  readonly forwardedFor: string | string[] | undefined;
}

/**
 * Returns whose request it is, as a key for limits. Each of the `trustedProxies` proxies before the node appends the address that
 * it saw, so what a client wrote itself stands before those and is not believed. Of an IPv6 address the first 64 bits count: a
 * subscriber has all addresses behind them.
 */
export function clientAddress(
  { remoteAddress, forwardedFor }: RequestOrigin,
  trustedProxies: number,
): string {
  const forwarded = String(forwardedFor ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part.length > 0);
  const seen = trustedProxies > 0 ? forwarded.at(-trustedProxies) : undefined;
  const address = (seen ?? remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIPv6(address) ? prefixOf(address) : address;
}

/** The first four groups, with those written out that `::` stands for. */
function prefixOf(address: string): string {
  const [before = '', after] = address.toLowerCase().split('::');
  const groups = before.split(':').filter((group) => group.length > 0);
  const rest = (after ?? '').split(':').filter((group) => group.length > 0);
  const zeros = after === undefined ? 0 : 8 - groups.length - rest.length;
  const all = [...groups, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...rest];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
