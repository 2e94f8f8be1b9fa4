import type { Command } from 'commander';
import type { z } from 'zod';
import type { searchResults } from '../../../../src/operations/search.schema.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** `usher find <id>` */
export function addFind(program: Command, open: () => Cli): void {
  program
    .command('find <id>')
    .description('what has this id: a user, stream, webhook, customer, subscription, plan, price or key')
    .option('--user <user>', 'look among the devices and events of this user, too')
    .action(async (id: string, { user }: { user?: string }) => {
      const { api, output } = open();
      const query = new URLSearchParams({ q: id, ...(user !== undefined && { userId: user }) });
      const found = (await api.call('GET', `/v1/search?${String(query)}`)) as z.output<typeof searchResults>;
      const rows = found.results.map(({ kind, userId, url }) => [
        kind,
        userId === undefined ? '' : `of ${plainText(userId)}`,
        url,
      ]);
      output.result(found, () => (rows.length === 0 ? ['Nothing has this id.'] : table(rows)));
    });
}
