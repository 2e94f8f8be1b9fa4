import type { PushMessage } from '../providers/push-provider.js';

/** What JSON makes of one character at most (`\u0000`), and of names and brackets around what a vendor is sent. */
const CHARACTER_BYTES = 6;
const FRAME_BYTES = 250;
const FIELD_BYTES = 6;

/** Whether it surely has no more bytes in a vendor's words: most have far less, and need not be put into JSON only to be measured. */
export function certainlyFits({ show, data }: PushMessage, bytes: number): boolean {
  let most = FRAME_BYTES;
  if (show !== 'background') most += CHARACTER_BYTES * (show.title.length + show.body.length);
  for (const [name, value] of Object.entries(data))
    most += CHARACTER_BYTES * (name.length + value.length) + FIELD_BYTES;
  return most <= bytes;
}
