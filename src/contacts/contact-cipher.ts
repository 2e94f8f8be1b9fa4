import { createHmac } from 'node:crypto';
import { decrypt, deriveKey, encrypt } from '../platform/crypto/aes-gcm.js';

interface Keys {
  readonly encryption: Uint8Array;
  readonly lookup: Uint8Array;
}

const keysOf = (secret: string): Keys => ({
  encryption: deriveKey({ secret, salt: '', info: 'usher contact' }),
  lookup: deriveKey({ secret, salt: '', info: 'usher contact lookup' }),
});

/**
 * Addresses as they are stored: encrypted, and as a keyed hash by which one is found. Numbers are few enough to try them all, so a plain hash
 * of one would be as good as the number. With several secrets the first one encrypts, and all of them decrypt and find.
 */
export class ContactCipher {
  private readonly current: Keys;
  private readonly all: readonly [Keys, ...Keys[]];

  /** `secrets`: of CONTACT_KEY, at least one. */
  constructor(secrets: readonly [string, ...string[]]) {
    const [first, ...others] = secrets;
    this.current = keysOf(first);
    this.all = [this.current, ...others.map(keysOf)];
  }

  /** Encrypts an address. Each call returns other bytes. */
  encrypt(address: string): Uint8Array<ArrayBuffer> {
    return encrypt(this.current.encryption, address);
  }

  /** Returns the address. Throws when none of the secrets decrypts it. */
  decrypt(stored: Uint8Array): string {
    for (const { encryption } of this.all) {
      try {
        return decrypt(encryption, stored);
      } catch {
        // It was encrypted under another secret.
      }
    }
    throw new Error('no secret of CONTACT_KEY decrypts a contact: add the one under which it was stored');
  }

  /** Returns the keyed hash under which an address is stored. Case does not matter: nobody has two mailboxes that differ in it. */
  hash(address: string): Buffer {
    return hashUnder(this.current, address);
  }

  /** Returns the hashes under which it may have been stored, by each secret, the first one first. */
  hashes(address: string): [Buffer, ...Buffer[]] {
    const [first, ...others] = this.all;
    return [hashUnder(first, address), ...others.map((keys) => hashUnder(keys, address))];
  }

  /** Returns eight characters by which people see that an address is another one, for the audit; not the address. */
  fingerprint(address: string): string {
    return this.hash(address).toString('hex').slice(0, 8);
  }
}

const hashUnder = ({ lookup }: Keys, address: string): Buffer =>
  createHmac('sha256', lookup).update(address.toLowerCase()).digest();
