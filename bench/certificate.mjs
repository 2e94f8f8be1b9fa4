/* The certificate of a pretend provider on localhost. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Returns key, certificate, and a file in the folder that has it for PUSH_CA_FILE. */
export async function certificate(folder) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  const file = join(folder, 'ca.pem');
  writeFileSync(file, cert);
  return { key, cert, file };
}
