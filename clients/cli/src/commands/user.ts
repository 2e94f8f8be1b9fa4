import type { Command } from 'commander';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** The part of GET /v1/users/{userId} that people are shown. */
interface User {
  readonly userId: string;
  /** Whether a device is connected; unknown while Redis is away. */
  readonly awake?: boolean;
  readonly position?: { readonly epoch: string; readonly offset: number };
  readonly membership?: Row;
  readonly subscriptions: readonly Row[];
  readonly links: readonly Row[];
  readonly streams: readonly Row[];
  readonly devices: readonly Row[];
  readonly notApplied: readonly string[];
}
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
      ['Mailbox', user.position ? `offset ${user.position.offset}, epoch ${user.position.epoch}` : 'empty'],
      ...(user.membership?.version !== 0 && user.notApplied.length > 0
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

function membershipOf(membership: Row | undefined): string {
  if (!membership) return 'none';
  const { version, status, planId, cancelAt } = membership;
  const plan = planId === null ? '' : `, plan ${plainText(planId)}`;
  return `${plainText(status)}${plan}, version ${plainText(version)}${cancelAt ? `, ends ${plainText(cancelAt)}` : ''}`;
}

/** `connection` in words; it is left out while it is not known. */
function withConnection(device: Row): Row {
  const connection = device['connection'] as { lag: number | null } | null | undefined;
  if (connection === undefined) return device;
  const lag = connection?.lag ? `, ${connection.lag} behind` : '';
  return Object.assign({}, device, { connection: connection ? `connected${lag}` : 'not connected' });
}

function section(title: string, rows: readonly Row[], columns: readonly string[]): string[] {
  if (rows.length === 0) return [];
  return ['', title, ...table(rows.map((row) => ['', ...columns.map((column) => plainText(row[column]))]))];
}
