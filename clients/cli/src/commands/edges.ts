import type { Command } from 'commander';
import type { z } from 'zod';
import type { edgeList } from '../../../../src/operations/overview.schema.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** `usher edges` */
export function addEdges(program: Command, open: () => Cli): void {
  program
    .command('edges')
    .description('the edge nodes that are connected, and since when')
    .action(async () => {
      const { api, output } = open();
      const found = (await api.call('GET', '/v1/edges')) as z.output<typeof edgeList>;
      const rows = found.edges.map(({ edgeId, nodeId, since }) => [
        plainText(edgeId),
        `at ${nodeId}`,
        `since ${since}`,
      ]);
      output.result(found, () => (rows.length === 0 ? ['No edge node is connected.'] : table(rows)));
    });
}
