/* The certificate of a server on this machine that tests and benchmarks trust. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Returns key, certificate for localhost and 127.0.0.1, and the file in the folder that has it, for PUSH_CA_FILE. */
export async function localhostCertificate(folder) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const file = join(folder, 'ca.pem');
  writeFileSync(file, cert);
  return { key, cert, file };
}
