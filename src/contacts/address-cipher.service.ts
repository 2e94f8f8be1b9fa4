import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { ContactCipher } from './contact-cipher.js';

/** Has the ContactCipher of this installation. */
@Injectable()
export class AddressCipherService {
  private readonly cipher: ContactCipher | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    const [first, ...others] = config.CONTACT_KEY;
    this.cipher = first === undefined ? undefined : new ContactCipher([first, ...others]);
  }

  /** Whether addresses can be stored here. */
  get isConfigured(): boolean {
    return this.cipher !== undefined;
  }

  /** Returns the cipher. Throws Problem not_configured: an address that nobody encrypts is not stored. */
  require(): ContactCipher {
    if (this.cipher) return this.cipher;
    throw new Problem('not_configured', 'Addresses are stored encrypted only: set CONTACT_KEY.');
  }
}
