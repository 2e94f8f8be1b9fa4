import type { PushAddress } from '../../devices/push-address.schema.js';

/** A push in no provider's format. It carries ids, never secrets. */
export interface PushMessage {
  readonly to: PushAddress;
  /** The text of the notification; `background` wakes the app without showing anything. */
  readonly show: { readonly title: string; readonly body: string } | 'background';
  /** Strings only, since APNs and FCM take nothing else; below 3 KB together. */
  readonly data: Readonly<Record<string, string>>;
  /** A message replaces the one with the same id on the device. At most 64 bytes. */
  readonly collapseId?: string;
  readonly urgency: 'high' | 'normal';
  /** The provider need not keep the message longer. */
  readonly expiresAt?: Date;
  /** The number on the app's icon. */
  readonly badge?: number | undefined;
}

/** The bytes that JSON makes of one character at most (`\u0000`), and of the names and brackets around the content. */
const MAX_BYTES_PER_CHARACTER = 6;
const ENVELOPE_BYTES = 250;
const FIELD_BYTES = 6;

/**
 * Whether the message has at most `maxBytes` once it is encoded for a provider, by an upper bound. False means only that it must be
 * measured. Most messages are far smaller, and need not be encoded only to be measured.
 */
export function certainlyFits({ show, data }: PushMessage, maxBytes: number): boolean {
  let bytes = ENVELOPE_BYTES;
  if (show !== 'background') bytes += MAX_BYTES_PER_CHARACTER * (show.title.length + show.body.length);
  for (const [name, value] of Object.entries(data))
    bytes += MAX_BYTES_PER_CHARACTER * (name.length + value.length) + FIELD_BYTES;
  return bytes <= maxBytes;
}
