import type { Command } from 'commander';
import type { z } from 'zod';
import type {
  acceptedBroadcast,
  broadcastList,
  storedBroadcast,
} from '../../../../src/broadcasts/broadcasts.schema.js';
import { path } from '../api/usher-api.js';
import { type Cli, idempotencyKey } from '../cli.js';
import { inSeconds, parseDuration } from '../durations.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';
import { readData } from './publish.js';

type Accepted = z.output<typeof acceptedBroadcast>;
type Stored = z.output<typeof storedBroadcast>;
type Listed = z.output<typeof broadcastList>;

interface PublishOptions {
  readonly key?: string;
  readonly expiresIn?: number;
  readonly countAll?: boolean;
  readonly idempotencyKey?: string;
}

/** `usher broadcast publish|list|show|withdraw` */
export function addBroadcasts(program: Command, open: () => Cli): void {
  const broadcast = program.command('broadcast').description('events for every device of every user');
  broadcast
    .command('publish <type> [data]')
    .description('publish an event to everyone; data is JSON, or - to read it from the input')
    .option('--key <key>', 'the broadcast that it supersedes')
    .option('--expires-in <time>', 'when it stops to matter: 30s, 15m, 2h, 7d (the default)', parseDuration)
    .option('--count-all', 'count the devices of all users, not of a sample')
    .option('--idempotency-key <key>', 'the same key again has no second effect')
    .action(async (type: string, data: string | undefined, options: PublishOptions) => {
      const cli = open();
      const body = { type, data: await readData(cli, data), ...fieldsOf(options) };
      const headers = idempotencyKey(options.idempotencyKey);
      const accepted = (await cli.api.call('POST', '/v1/broadcasts', { body, headers })) as Accepted;
      cli.output.result(accepted, () => [`${accepted.id} is broadcast ${accepted.number}.`]);
    });
  addReading(broadcast, open);
  broadcast
    .command('withdraw <id>')
    .description('have it be sent to nobody any more (needs --reason)')
    .action(async (id: string) => {
      const { api, output } = open();
      await api.call('DELETE', path`/v1/broadcasts/${id}`);
      output.result({ id, state: 'withdrawn' }, () => [`${id} is sent to nobody any more.`]);
    });
}

function addReading(broadcast: Command, open: () => Cli): void {
  broadcast
    .command('list')
    .description('the broadcasts, the newest first')
    .action(async () => {
      const { api, output } = open();
      const found = (await api.call('GET', '/v1/broadcasts')) as Listed;
      output.result(found, () =>
        found.broadcasts.length === 0 ? ['There is none yet.'] : table(found.broadcasts.map(rowOf)),
      );
    });
  broadcast
    .command('show <id>')
    .description('one broadcast, and how many devices got it')
    .action(async (id: string) => {
      const { api, output } = open();
      const found = (await api.call('GET', path`/v1/broadcasts/${id}`)) as Stored;
      output.result(found, () => describeBroadcast(found));
    });
}

const fieldsOf = ({ key, expiresIn, countAll }: PublishOptions): Record<string, unknown> => ({
  ...(key !== undefined && { key }),
  ...(expiresIn !== undefined && { expiresAt: inSeconds(expiresIn) }),
  ...(countAll && { receipts: 'all' }),
});

const stateOf = ({ state }: Stored): string => state.replaceAll('_', ' ');

const rowOf = (one: Stored): string[] => [
  one.id,
  String(one.number),
  plainText(one.type),
  stateOf(one),
  one.at,
];

/** Returns what a broadcast is and how many devices got it, in lines. */
export function describeBroadcast(one: Stored): string[] {
  const { sampled, estimated } = one.counts;
  const about = sampled.of === 1 ? '' : 'about ';
  return [
    `${plainText(one.type)} is ${stateOf(one)}, as broadcast ${one.number}`,
    ...table([
      ['', 'key', plainText(one.key ?? '–')],
      ['', 'published', one.at],
      ['', 'expires', one.expiresAt],
      ['', 'sent to', `${about}${estimated.sent} devices`],
      ['', 'acknowledged by', `${about}${estimated.received}`],
    ]),
    plainText(JSON.stringify(one.data)),
  ];
}
