import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { tlsOptions } from '../../../platform/sending/tls.js';

const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_TIMEOUT_MS = 8_000;
/** At most so many connections to one push service. */
const MAX_CONNECTIONS = 64;
const KEEP_ALIVE_MS = 60_000;

/** Addresses that no host on the internet has, or that are translated to others: IANA's special-purpose registries. */
const PRIVATE = new BlockList();
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
  PRIVATE.addSubnet(net, bits, 'ipv4');
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
  PRIVATE.addSubnet(net, bits, 'ipv6');

/** Whether an address belongs to this machine, to a private network, or to no host. An IPv4 address mapped to IPv6 counts as the former. */
export function isPrivateAddress(address: string): boolean {
  const version = isIP(address);
  return version === 0 || PRIVATE.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** A name resolved to a private address. */
class PrivateAddressError extends Error {
  readonly code = 'INNER_ADDRESS';
}

/**
 * Resolves a name, and refuses private addresses. It runs as part of the connect, so that the address that was checked is the one that
 * is dialled: a name that resolves differently the second time (DNS rebinding) gains nothing.
 */
const lookupPublic = ((host: string, options: LookupOptions, done): void => {
  lookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error || !first) return done(error ?? new Error('no address'), []);
    if (addresses.some(({ address }) => isPrivateAddress(address)))
      return done(new PrivateAddressError(), []);
    return options.all === true ? done(null, addresses) : done(null, first.address, first.family);
  });
}) satisfies LookupFunction;

/** Connections to push services (HTTP/1.1, kept alive), which a device's endpoint cannot aim at a private network. */
export class SsrfSafeAgent {
  /** For hosts that the operator listed: connects to private addresses too. */
  readonly anywhere: Agent;
  /** For all other hosts: refuses private addresses with the code INNER_ADDRESS. */
  readonly publicOnly: Agent;

  /** `ca`: certificates in PEM to trust besides the usual ones. */
  constructor(ca: string | undefined) {
    const connect = { timeout: CONNECT_TIMEOUT_MS, ...tlsOptions(ca) };
    const options = {
      connections: MAX_CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: RESPONSE_TIMEOUT_MS,
      bodyTimeout: RESPONSE_TIMEOUT_MS,
    };
    this.anywhere = new Agent({ ...options, connect });
    this.publicOnly = new Agent({ ...options, connect: { ...connect, lookup: lookupPublic } });
  }

  async close(): Promise<void> {
    await Promise.all([this.anywhere.destroy(), this.publicOnly.destroy()]);
  }
}
