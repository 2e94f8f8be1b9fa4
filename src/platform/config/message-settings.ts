import { secrets } from './setting-types.js';

/** Texts and mails. */
export const messageSettings = {
  /**
   * Encrypts mail addresses and phone numbers in the database; without it none are stored. At least 32 bytes, the same on every node;
   * several with commas between while it is replaced, the new one first.
   */
  CONTACT_KEY: secrets(32).default([]),
};
