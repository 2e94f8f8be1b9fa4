import { type Command, Option } from 'commander';
import type { z } from 'zod';
import type { describedWebhook, webhookList } from '../../../../src/membership/webhooks/webhooks.schema.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { parseCount } from '../durations.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

type Webhooks = z.output<typeof webhookList>;
type Webhook = Webhooks['webhooks'][number];
type DescribedWebhook = z.output<typeof describedWebhook>;

/** `usher webhooks waiting|list|show|retry` */
export function addWebhooks(program: Command, open: () => Cli): void {
  const webhooks = program
    .command('webhooks')
    .description('what became of the webhooks of payment processors');
  const list = async (status: string, limit: number) => {
    const { api, output } = open();
    const query = new URLSearchParams({ status, limit: String(limit) });
    const answer = (await api.call('GET', `/v1/webhooks?${query.toString()}`)) as Webhooks;
    output.result(answer, () =>
      answer.webhooks.length > 0 ? table(answer.webhooks.map(row)) : [`No webhook is ${status}.`],
    );
  };
  const limit = () =>
    new Option('-n, --lines <count>', 'how many at most').argParser(parseCount(1, 500)).default(100);
  webhooks
    .command('waiting')
    .description('list those that wait for a plan or a customer link')
    .addOption(limit())
    .action(({ lines }: { lines: number }) => list('waiting', lines));
  webhooks
    .command('list')
    .description('list those with a status')
    .addOption(
      new Option('--status <status>', 'what became of them')
        .choices(['stored', 'applied', 'stale', 'ignored', 'waiting', 'failed'])
        .default('failed'),
    )
    .addOption(limit())
    .action(({ status, lines }: { status: string; lines: number }) => list(status, lines));
  addForOne(webhooks, open, 'show', 'show one, and what it said', (event, processor) => [
    'GET',
    path`/v1/webhooks/${processor}/${event}`,
  ]);
  addForOne(webhooks, open, 'retry', 'apply one that was not applied, now', (event, processor) => [
    'POST',
    path`/v1/webhooks/${processor}/${event}/retry`,
  ]);
}

type CallFor = (event: string, processor: string) => readonly [method: string, path: string];

function addForOne(
  webhooks: Command,
  open: () => Cli,
  name: string,
  description: string,
  callFor: CallFor,
): void {
  webhooks
    .command(`${name} <event>`)
    .description(description)
    .option('--processor <processor>', 'whose it is', 'stripe')
    .action(async (event: string, { processor }: { processor: string }) => {
      const { api, output } = open();
      const webhook = (await api.call(...callFor(event, processor))) as DescribedWebhook;
      output.result(webhook, () => describe(webhook));
    });
}

const row = ({
  receivedAt,
  processor,
  eventId,
  type,
  reason,
  waitingFor,
  userId,
  attempts,
}: Webhook): string[] => [
  receivedAt,
  processor,
  plainText(eventId),
  plainText(type),
  plainText(userId),
  `${attempts} attempt${attempts === 1 ? '' : 's'}`,
  waitingFor.length > 0 ? `waits for ${waitingFor.map(plainText).join(' or ')}` : plainText(reason),
];

function describe(webhook: DescribedWebhook): string[] {
  const { processor, eventId, type, status, reason, waitingFor, userId, subscriptionId, attempts } = webhook;
  const facts: [string, unknown][] = [
    ['Webhook', `${processor} ${eventId}`],
    ['Type', type],
    ['Status', status],
    ['Reason', reason],
    ['Waits for', waitingFor.length > 0 ? waitingFor.join(' or ') : null],
    ['User', userId],
    ['Subscription', subscriptionId],
    ['Attempts', attempts],
    ['Received', webhook.receivedAt],
    ['Next attempt', webhook.nextAttemptAt],
    ['Settled', webhook.settledAt],
  ];
  const known = facts.filter(([, value]) => value !== null && value !== undefined);
  const body =
    webhook.body === null || webhook.body === undefined
      ? []
      : ['', ...JSON.stringify(webhook.body, null, 2).split('\n')];
  return [
    ...table(known.map(([name, value]) => [name, plainText(value)])),
    ...body.map((line) => plainText(line)),
  ];
}
