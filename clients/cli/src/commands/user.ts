import type { Command } from 'commander';
import type { z } from 'zod';
import type { userResponse } from '../../../../src/timeline/timeline.schema.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type User = z.output<typeof userResponse>;
type Row = Readonly<Record<string, unknown>>;

/** `usher user <user>` */
export function addUser(program: Command, open: () => Cli): void {
  program
    .command('user <user>')
    .description('show what is known of a user: membership, devices, subscriptions, streams')
    .action(async (userId: string) => {
      const { api, output } = open();
      const user = await api.call('GET', path`/v1/users/${userId}`);
      output.result(user, () => describe(user as User));
    });
}

function describe(user: User): string[] {
  return [
    ...table([
      ['User', plainText(user.userId)],
      ['Connected', user.awake === undefined ? 'unknown (Redis is away)' : user.awake ? 'yes' : 'no'],
      ['Membership', membershipOf(user.membership)],
      ['Mailbox', `offset ${user.position.offset}, epoch ${user.position.epoch}`],
      ...(user.membership.version !== 0 && user.notApplied.length > 0
        ? [['Not applied', user.notApplied.map(plainText).join(', ')]]
        : []),
    ]),
    ...section('Devices', user.devices.map(withConnection), [
      'deviceId',
      'platform',
      'name',
      'connection',
      'membership',
      'lastSeenAt',
    ]),
    ...section('Subscriptions', user.subscriptions, [
      'processor',
      'subscriptionId',
      'status',
      'planId',
      'cancelAt',
    ]),
    ...section('Links', user.links, ['processor', 'customerId']),
    ...section('Streams', user.streams, ['streamId', 'deviceId', 'titleId', 'edgeId', 'startedAt']),
  ];
}

function membershipOf({ version, status, planId, cancelAt }: User['membership']): string {
  const plan = planId === null ? '' : `, plan ${plainText(planId)}`;
  return `${status}${plan}, version ${version}${cancelAt === undefined ? '' : `, ends ${cancelAt}`}`;
}

/** `connection` in words; it is left out while it is not known. */
function withConnection({ connection, ...device }: User['devices'][number]): Row {
  if (connection === undefined) return device;
  const lag = connection?.lag ? `, ${connection.lag} behind` : '';
  return { ...device, connection: connection ? `connected${lag}` : 'not connected' };
}

function section(title: string, rows: readonly Row[], columns: readonly string[]): string[] {
  if (rows.length === 0) return [];
  return ['', title, ...table(rows.map((row) => ['', ...columns.map((column) => plainText(row[column]))]))];
}
