import { type Command, Option } from 'commander';
import type { z } from 'zod';
import type { engagementResponse } from '../../../../src/engagement/analytics/analytics.schema.js';
import type { Cli } from '../cli.js';
import { parseDuration } from '../durations.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type Answer = z.output<typeof engagementResponse>;
type Series = Answer['series'][number];

interface Options {
  readonly last: number;
  readonly interval: string;
  readonly timezone: string;
  readonly by: string;
  readonly team?: string;
  readonly campaign?: string;
  readonly kind?: string;
}

/** `usher analytics` */
export function addAnalytics(program: Command, open: () => Cli): void {
  program
    .command('analytics')
    .description(
      'what people did with what they were sent, over time: a line for each bucket that has something',
    )
    .option('--last <time>', 'how far to look back: 2h, 30d', parseDuration, 7 * 86_400)
    .addOption(
      new Option('--interval <interval>', 'how wide a bucket is')
        .choices(['minute', 'hour', 'day', 'week'])
        .default('day'),
    )
    .option('--timezone <zone>', 'whose midnight days begin at (IANA)', 'UTC')
    .addOption(
      new Option('--by <group>', 'a column for each')
        .choices(['kind', 'campaign', 'template', 'channel', 'platform', 'country'])
        .default('kind'),
    )
    .option('--campaign <campaign>', 'of this campaign alone')
    .option('--team <team>', 'of this team alone')
    .option('--kind <kind>', 'of this kind alone')
    .action(async (options: Options) => {
      const { api, output } = open();
      const answer = (await api.call('GET', `/v1/analytics/engagement?${queryOf(options)}`)) as Answer;
      output.result(answer, () => linesOf(answer));
    });
}

function queryOf({ last, by, ...others }: Options): string {
  const from = new Date(Date.now() - last * 1_000).toISOString();
  return String(new URLSearchParams({ from, groupBy: by, ...others }));
}

function linesOf({ buckets, series, others, rolledUpTo }: Answer): string[] {
  if (series.length === 0) return ['Nothing was done in this time.'];
  const columns: readonly [name: string, of: Series][] = [
    ...series.map((one): [string, Series] => [plainText(one.group ?? 'none'), one]),
    ...(others ? [[`${others.groups} others`, others] as [string, Series]] : []),
  ];
  const rowOf = (name: string, read: (of: Series) => number) => [
    name,
    ...columns.map(([, of]) => String(read(of))),
  ];
  const rows = buckets.map((bucket, n) => rowOf(bucket, ({ counts }) => counts[n] ?? 0));
  return [
    ...table([
      ['from', ...columns.map(([name]) => name)],
      ...rows.filter(([, ...counts]) => counts.some((count) => count !== '0')),
      rowOf('in all', ({ total }) => total),
      rowOf('by programs', ({ machineTotal }) => machineTotal),
    ]),
    `counted up to ${rolledUpTo}`,
  ];
}
