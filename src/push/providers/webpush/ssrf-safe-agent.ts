import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { tlsOptions } from '../tls.js';

const CONNECT_MS = 5_000;
const ANSWER_MS = 8_000;
/** Connections to one push service. */
const CONNECTIONS = 64;
const IDLE_MS = 60_000;

/** Addresses of no host on the internet, or of one that stands for another: IANA's special-purpose registries. */
const INNER = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  INNER.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INNER.addSubnet(net, bits, 'ipv6');

/** Whether an address is of this machine, a private network, or no host at all. IPv4 within IPv6 counts as what it is. */
export function isPrivateAddress(address: string): boolean {
  const version = isIP(address);
  return version === 0 || INNER.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

class InnerAddress extends Error {
  readonly code = 'INNER_ADDRESS';
}

/**
 * Looks a name up and refuses inner addresses. It stands where the connection is made, so that what was checked is what is dialled:
 * a name that answers differently the second time (DNS rebinding) gains nothing.
 */
const publicOnly = ((host: string, options: LookupOptions, done): void => {
  resolve(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
    const [first] = found ?? [];
    if (error || !first) return done(error ?? new Error('no address'), []);
    if (found.some(({ address }) => isPrivateAddress(address))) return done(new InnerAddress(), []);
    return options.all === true ? done(null, found) : done(null, first.address, first.family);
  });
}) satisfies LookupFunction;

/** Connections to push services: `anywhere` for hosts that the operator named, `outside` for all others. HTTP/1.1, kept alive. */
export class SsrfSafeAgent {
  readonly anywhere: Agent;
  readonly publicOnly: Agent;

  constructor(ca: string | undefined) {
    const connect = { timeout: CONNECT_MS, ...tlsOptions(ca) };
    const options = {
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    };
    this.anywhere = new Agent({ ...options, connect });
    this.publicOnly = new Agent({ ...options, connect: { ...connect, lookup: publicOnly } });
  }

  async close(): Promise<void> {
    await Promise.all([this.anywhere.destroy(), this.publicOnly.destroy()]);
  }
}
