import { domainToASCII } from 'node:url';

/** Domains whose mailboxes ignore dots in the part before the `@`, and are all of the first one. */
const WITHOUT_DOTS = ['gmail.com', 'googlemail.com'];

/** Domains whose mailboxes get what is sent to `name+anything`. Others may have a mailbox of that very name. */
export const WITH_TAGS: readonly string[] = [
  ...WITHOUT_DOTS,
  'outlook.com',
  'hotmail.com',
  'live.com',
  'msn.com',
  'icloud.com',
  'me.com',
  'mac.com',
  'fastmail.com',
  'proton.me',
  'protonmail.com',
  'pm.me',
];

/**
 * Returns the form in which addresses of one mailbox are the same: trimmed, in lower case, the domain as ASCII (punycode), without what the domain is
 * known to ignore. It is only compared, never written to. Where it is not known what a domain ignores, two addresses are two people's: to be
 * told twice is the lesser harm.
 */
export function normalisedEmail(address: string): string {
  const text = address.normalize('NFC').trim().toLowerCase();
  const at = text.lastIndexOf('@');
  if (at < 1) return text;
  const given = text.slice(at + 1);
  const domain = domainToASCII(given) || given;
  const local = WITH_TAGS.includes(domain) ? withoutTag(text.slice(0, at)) : text.slice(0, at);
  if (!WITHOUT_DOTS.includes(domain)) return `${local}@${domain}`;
  return `${local.replaceAll('.', '')}@${WITHOUT_DOTS[0] ?? ''}`;
}

/** An address that begins with `+` keeps it: something must be left. */
const withoutTag = (local: string): string => {
  const plus = local.indexOf('+', 1);
  return plus < 0 ? local : local.slice(0, plus);
};
