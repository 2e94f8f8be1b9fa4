import type { EngagementAnswer } from '../api/types.js';
import type { ChartLine } from './chart.js';
import type { Numbers } from './csv.js';

/** How far a page looks back, and in how wide steps. */
export const WINDOWS = [
  { id: 'hour', title: 'An hour', days: 1 / 24, interval: 'minute' },
  { id: 'day', title: 'A day', days: 1, interval: 'hour' },
  { id: 'week', title: '7 days', days: 7, interval: 'hour' },
  { id: 'month', title: '30 days', days: 30, interval: 'day' },
  { id: 'year', title: 'A year', days: 365, interval: 'day' },
] as const;
/** One of WINDOWS. */
export type Window = (typeof WINDOWS)[number];

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Returns the window of this id; a week by default. */
export const windowOf = (id: string | null): Window => WINDOWS.find((one) => one.id === id) ?? WINDOWS[2];

/** Days begin at midnight where the reader is; those of a year in UTC, which are kept for good. */
const zoneOf = ({ id }: Window): string =>
  id === 'year' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Returns the path of a question, the same for a minute, so that it is not asked anew with each look at the page. */
export function questionPath(window: Window, filter: Readonly<Record<string, string>>, now: number): string {
  const from = new Date(Math.floor(now / MINUTE_MS) * MINUTE_MS - window.days * DAY_MS).toISOString();
  const query = new URLSearchParams({ from, interval: window.interval, timezone: zoneOf(window) });
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value);
  return `/v1/analytics/engagement?${query}`;
}

/** What a group is called. */
export const nameOf = (group: string | null, none = 'none'): string => group ?? none;

/** Returns the lines of a chart: of each group, and of all others. */
export function linesOf({ series, others }: EngagementAnswer, none?: string): ChartLine[] {
  const lines = series.map(({ group, counts }) => ({ label: nameOf(group, none), values: counts }));
  return others ? [...lines, { label: `${others.groups} others`, values: others.counts }] : lines;
}

const timeOf = (interval: EngagementAnswer['interval'], iso: string): string => {
  const at = new Date(iso);
  if (interval === 'day' || interval === 'week') {
    const noon = new Date(at.getTime() + DAY_MS / 2);
    return noon.toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
  }
  return at.toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
};

/** Returns the same as rows, the newest first. Rows without anything are left out. */
export function numbersOf(answer: EngagementAnswer, none?: string): Numbers {
  const lines = linesOf(answer, none);
  const rows = answer.buckets.map((bucket, n): [string, ...number[]] => [
    timeOf(answer.interval, bucket),
    ...lines.map(({ values }) => values[n] ?? 0),
  ]);
  return {
    columns: ['From', ...lines.map(({ label }) => label)],
    rows: rows.filter(([, ...numbers]) => numbers.some((one) => one > 0)).toReversed(),
  };
}
