import { InvalidArgumentError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const FORMAT = /^(\d{1,6})([smhd])$/;

/** Returns the seconds of `30s`, `15m`, `2h` or `7d`. Throws InvalidArgumentError, which Commander shows. */
export function parseDuration(text: string): number {
  const [, count, unit] = FORMAT.exec(text) ?? [];
  const seconds = Number(count) * SECONDS[unit as keyof typeof SECONDS];
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('It is a number and a unit: 30s, 15m, 2h or 7d.');
}

/** Returns a parser of whole numbers from `lowest` to `highest`. It throws InvalidArgumentError. */
export const parseCount =
  (lowest: number, highest: number) =>
  (text: string): number => {
    const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (count >= lowest && count <= highest) return count;
    throw new InvalidArgumentError(`It is a whole number from ${lowest} to ${highest}.`);
  };

/** Returns the instant in so many seconds: ISO 8601. */
export const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
