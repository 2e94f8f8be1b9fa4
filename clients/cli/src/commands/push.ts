import type { Command } from 'commander';
import type { z } from 'zod';
import type { pauseResponse } from '../../../../src/push/pauses/pauses.schema.js';
import type { resultsResponse } from '../../../../src/push/results/results.schema.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type Results = z.output<typeof resultsResponse>;

/** `usher push pause|resume|results` */
export function addPush(program: Command, open: () => Cli): void {
  const push = program.command('push').description('push notifications, of all users together');
  push
    .command('pause <provider>')
    .description('hold the pushes of a provider back, on all nodes (needs --reason)')
    .option('--critical', 'those of critical events too')
    .action(async (vendor: string, { critical = false }: { critical?: boolean }) => {
      const { api, output } = open();
      const pause = (await api.call('PUT', path`/v1/push/pauses/${vendor}`, {
        body: { critical },
      })) as z.output<typeof pauseResponse>;
      output.result(pause, () => [
        `${plainText(pause.vendor)} is paused since ${pause.since}${pause.critical ? ', also for critical events' : ''}.`,
      ]);
    });
  push
    .command('resume <provider>')
    .description('send them again (needs --reason)')
    .action(async (vendor: string) => {
      const { api, output } = open();
      await api.call('DELETE', path`/v1/push/pauses/${vendor}`);
      output.result({ vendor }, () => [`${plainText(vendor)} is not paused any more.`]);
    });
  push
    .command('results')
    .description('what became of pushes in the last hour and the last day, and what to mend')
    .action(async () => {
      const { api, output } = open();
      const results = (await api.call('GET', '/v1/push/results')) as Results;
      output.result(results, () => results.vendors.flatMap(describe));
    });
}

function describe({ vendor, hour, day, results }: Results['vendors'][number]): string[] {
  const fixes = results.flatMap(({ reason, fix }) => (fix === undefined ? [] : [`  ${reason}: ${fix}`]));
  return [
    `${plainText(vendor)}: ${hour.delivered} taken in the last hour, ${day.delivered} in the last day; not sent or refused ${hour.failed} and ${day.failed}`,
    ...table(
      results.map((one) => [
        '',
        one.state,
        plainText(one.reason),
        `${one.hour} in an hour`,
        `${one.day} in a day`,
      ]),
    ),
    ...new Set(fixes),
  ];
}
