import { type NumberType, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/**
 * Types of numbers that no text is sent to: they cannot receive one, or calling back costs whoever holds them, or earns whoever rents them.
 * The metadata "max" is the one that knows types; without it a premium number is as good as any.
 */
const REFUSED: Partial<Record<Exclude<NumberType, undefined>, string>> = {
  FIXED_LINE: 'is a landline, which receives no texts',
  PREMIUM_RATE: 'is a premium-rate number',
  SHARED_COST: 'is a shared-cost number',
  TOLL_FREE: 'is a toll-free number, which receives no texts',
  UAN: 'is a company’s access number, which receives no texts',
  VOICEMAIL: 'is a voice mailbox, which receives no texts',
  PAGER: 'is a pager',
};

/** Why the text is not the number of somebody who can receive texts, in E.164 (`+` and digits only); undefined if it is one. */
export function faultOfPhoneNumber(text: string): string | undefined {
  if (!/^\+[1-9]\d{6,14}$/.test(text)) return 'must be in E.164: + and the digits, as +4915112345678';
  const number = parsePhoneNumberFromString(text);
  if (number?.number !== text || !number.isValid()) return 'is no number that anybody can have';
  const type = number.getType();
  return type === undefined ? undefined : REFUSED[type];
}
