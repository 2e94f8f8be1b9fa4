/** Where a message goes, in the clear, and the keyed hashes of it by each secret of CONTACT_KEY, the present one first. */
export interface Recipient {
  readonly to: string;
  readonly hashes: readonly [Uint8Array, ...Uint8Array[]];
}
