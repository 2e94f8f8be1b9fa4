import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/**
 * Whom connections to vendors trust: the usual authorities, and the one that the operator names (PUSH_CA_FILE, in PEM). Made once and
 * shared: reading the usual ones takes some 35 ms, in which the event loop stands still, and Node would do it for each connection.
 */
export const tlsOptions = (ca: string | undefined): { secureContext?: SecureContext } =>
  ca === undefined ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, ca] }) };
