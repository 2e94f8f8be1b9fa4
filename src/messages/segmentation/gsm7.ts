/* The default alphabet of text messages and its extension table: 3GPP TS 23.038, sections 6.2.1 and 6.2.1.1. */

/** One septet each; the escape character of the table is left out, since it stands for nothing. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Two septets each: the escape and its own. */
const EXTENDED = '\f^{}\\[~]|€';

const SEPTETS: ReadonlyMap<string, number> = new Map([
  ...[...BASIC].map((character) => [character, 1] as const),
  ...[...EXTENDED].map((character) => [character, 2] as const),
]);

/** Returns how many septets the character takes in GSM-7; undefined if the alphabet lacks it. */
export const septetsOf = (character: string): number | undefined => SEPTETS.get(character);
