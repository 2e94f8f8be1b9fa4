import type { Command } from 'commander';
import type { Overview } from '../../../../src/operations/overview.schema.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** `usher overview` */
export function addOverview(program: Command, open: () => Cli): void {
  program
    .command('overview')
    .description('how the nodes are, and what waits: what the first page of the console shows')
    .action(async () => {
      const { api, output } = open();
      const overview = (await api.call('GET', '/v1/operations/overview')) as Overview;
      output.result(overview, () => [
        ...nodes(overview),
        ...table([...handoffs(overview), ...overview.push.map(push), ...webhooks(overview)]),
      ]);
    });
}

function nodes({ nodes: all, total }: Overview): string[] {
  if (!all || !total) return ['Which nodes there are is not known: Redis is away.'];
  return [
    `${total.nodes} ${total.nodes === 1 ? 'node' : 'nodes'}; connected are ${total.sockets} devices and ${total.edges} edge nodes; load level ${total.loadLevel}`,
    ...table(
      all.map(({ id, host, state, roles, version, sockets }) => [
        `  ${id}`,
        plainText(host),
        state,
        roles.join(','),
        version,
        `${sockets} devices`,
      ]),
    ),
  ];
}

const handoffs = ({ handoffs: { critical, important } }: Overview): string[][] => [
  ['critical events', waits(critical, 'to be delivered')],
  ['important events', waits(important, 'to be delivered')],
];

function push({
  vendor,
  dueSeconds,
  paused,
  openCircuits,
  misconfigured,
}: Overview['push'][number]): string[] {
  const { critical, important } = dueSeconds;
  const longest = critical === null && important === null ? null : Math.max(critical ?? 0, important ?? 0);
  const said = [
    waits(longest, 'to be sent'),
    ...(paused ? [`paused since ${paused.since}`] : []),
    ...(openCircuits.length > 0 ? ['the provider fails: its circuit is open'] : []),
    ...misconfigured.map(({ reason, fix }) => plainText(fix === undefined ? reason : `${reason}: ${fix}`)),
  ];
  return [`push by ${vendor}`, said.join('; ')];
}

function webhooks({ webhooks: { processors, waiting } }: Overview): string[][] {
  const of = processors.map(({ processor, silentSeconds, failingSeconds }) => [
    `webhooks of ${processor}`,
    [
      `the last one ${seconds(silentSeconds)} ago`,
      ...(failingSeconds === null ? [] : [`one cannot be applied for ${seconds(failingSeconds)}`]),
    ].join('; '),
  ]);
  const count =
    waiting.count === 0 ? 'none' : `${waiting.count}, the oldest for ${seconds(waiting.seconds ?? 0)}`;
  return [...of, ['webhooks that wait', `${count} (for a plan or a link)`]];
}

const waits = (longest: number | null, what: string): string =>
  longest === null ? 'nothing waits' : `the oldest waits for ${seconds(longest)} ${what}`;

const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
