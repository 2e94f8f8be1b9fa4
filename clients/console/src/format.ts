const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const number = new Intl.NumberFormat();

/** The time of day where the reader is, with milliseconds. */
export const timeOfDay = (iso: string): string =>
  `${clock.format(new Date(iso))}.${String(new Date(iso).getMilliseconds()).padStart(3, '0')}`;

/** Day and time where the reader is. */
export const dayAndTime = (iso: string): string => dayAndClock.format(new Date(iso));

/** The time in another time zone; undefined when this browser does not know it. */
export function timeIn(timeZone: string, at: Date): string | undefined {
  try {
    return new Intl.DateTimeFormat(undefined, {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).format(at);
  } catch {
    return undefined;
  }
}

/** A whole number with separators. */
export const count = (value: number): string => number.format(value);

/** A span of time in its two largest units: `3 ms`, `1.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1_000) return `${rounded} ms`;
  if (rounded < 60_000) return `${(rounded / 1_000).toFixed(rounded < 10_000 ? 1 : 0)} s`;
  const units: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  const first = units.findIndex(([size]) => rounded >= size);
  const [large, small] = [units[first], units[first + 1]];
  if (!large || !small) return `${rounded} ms`;
  const rest = Math.floor((rounded % large[0]) / small[0]);
  return `${Math.floor(rounded / large[0])} ${large[1]}${rest > 0 ? ` ${rest} ${small[1]}` : ''}`;
}

/** How long ago, or in how long. */
export function ago(iso: string, now: number): string {
  const ms = now - Date.parse(iso);
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `${coarse(ms)} ago` : `in ${coarse(-ms)}`;
}

function coarse(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
