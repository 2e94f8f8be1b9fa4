import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/**
 * The TLS options for connections to providers, which trust Node's certificate authorities and `ca` (PEM). The context is created once
 * and shared: it takes some 35 ms, in which the event loop stands still, and Node would create one for each connection.
 */
export const tlsOptions = (ca: string | undefined): { secureContext?: SecureContext } =>
  ca === undefined ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, ca] }) };
