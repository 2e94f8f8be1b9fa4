/** A table of numbers: a name for each column, and rows that begin with a text. */
export interface Numbers {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [string, ...number[]])[];
}

/** Spreadsheets take a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

const cell = (value: string | number): string => {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Returns the numbers as CSV (RFC 4180). */
export const toCsv = ({ columns, rows }: Numbers): string =>
  [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
