import type { Command } from 'commander';
import type { z } from 'zod';
import type { auditList } from '../../../../src/platform/audit/audit.schema.js';
import type { Cli } from '../cli.js';
import { parseCount } from '../durations.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type AuditEntries = z.output<typeof auditList>;

/** `usher audit` */
export function addAudit(program: Command, open: () => Cli): void {
  program
    .command('audit')
    .description('who changed what, when and why, the newest first')
    .option('--user <user>', 'only what was done to this user')
    .option('--actor <id>', 'only what this key or person did')
    .option('--action <action>', 'only this: plan.put, streams.stop, tokens.revoke …')
    .option('-n, --lines <count>', 'how many at most', parseCount(1, 500), 20)
    .action(
      async ({ lines, ...filter }: { lines: number; user?: string; actor?: string; action?: string }) => {
        const { api, output } = open();
        const query = new URLSearchParams({ limit: String(lines), ...filter });
        const page = (await api.call('GET', `/v1/audit?${String(query)}`)) as AuditEntries;
        output.result(page, () => table(page.entries.map(row)));
      },
    );
}

const row = ({ at, actor, action, target, reason, result }: AuditEntries['entries'][number]): string[] => [
  at,
  plainText(actor.name),
  action,
  `${target.kind} ${plainText(target.id)}`,
  result,
  reason === null ? '' : plainText(reason),
];
