import { once } from 'node:events';
import { connect } from 'node:tls';
import { type Check, CHECK_TIMEOUT_MS, fail, ok, reasonOf, warn } from './check.js';

const DAY_MS = 86_400_000;
/** Whoever renews by hand has this much time left. */
const WARN_DAYS = 14;

/** A host that is reached over TLS. */
export interface TlsEndpoint {
  readonly name: string;
  readonly url: string;
  /** Certificates that are trusted besides the usual ones, in PEM. */
  readonly ca?: string | undefined;
}

/** Opens a TLS connection, and looks at the certificate. It sends nothing. */
export async function checkTls({ name, url, ca }: TlsEndpoint): Promise<Check> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol !== 'https:')
    return warn(
      name,
      `${host} is reached without TLS`,
      'Use https:// wherever the way there is not your own machine.',
    );
  const socket = connect({
    host,
    servername: host,
    port: Number(port || 443),
    timeout: CHECK_TIMEOUT_MS,
    ...(ca !== undefined && { ca }),
  });
  socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
  try {
    await once(socket, 'secureConnect');
    return checkCertificate(name, host, new Date(socket.getPeerCertificate().valid_to));
  } catch (error) {
    return fail(
      name,
      `${host} cannot be reached: ${reasonOf(error)}`,
      'Check the network, the proxy and the trusted certificates of this machine.',
    );
  } finally {
    socket.destroy();
  }
}

/** How long a certificate is still valid. */
export function checkCertificate(name: string, of: string, validTo: Date, now = new Date()): Check {
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
  const detail = `${of}: the certificate is valid until ${validTo.toISOString().slice(0, 10)}`;
  if (days < 0) return fail(name, detail, 'Renew it.');
  return days < WARN_DAYS ? warn(name, `${detail}, ${days} days`, 'Renew it.') : ok(name, detail);
}
