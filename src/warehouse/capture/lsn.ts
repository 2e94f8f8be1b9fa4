/** A place in PostgreSQL's log (write-ahead log): the number of the byte. */
export type Lsn = bigint;

const HALF_BITS = 32n;
const HEX_DIGITS = 16;

/** Returns the number of what PostgreSQL writes as `16/B374D848`. */
export function parseLsn(text: string): Lsn {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << HALF_BITS) | BigInt(`0x${low}`);
}

/** Returns it as PostgreSQL writes it. */
export const formatLsn = (lsn: Lsn): string =>
  `${(lsn >> HALF_BITS).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();

/** Returns 16 hexadecimal digits, whose order as text is that of the log. */
export const sortableLsn = (lsn: Lsn): string => lsn.toString(16).padStart(HEX_DIGITS, '0');
