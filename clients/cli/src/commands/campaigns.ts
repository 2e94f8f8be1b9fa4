import type { Command } from 'commander';
import type { z } from 'zod';
import type {
  campaignList,
  campaignResponse,
  describedCampaign,
} from '../../../../src/campaigns/definitions/campaign.schema.js';
import type {
  campaignForecast,
  campaignPreview,
  campaignTested,
} from '../../../../src/campaigns/preview/preview.schema.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { UsageFailure } from '../failures.js';
import { readInput } from '../input.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';
import { describeBroadcast } from './broadcasts.js';

type Listed = z.output<typeof campaignList>;
type Described = z.output<typeof describedCampaign>;
type Campaign = z.output<typeof campaignResponse>;
type Forecast = z.output<typeof campaignForecast>;

const ACTS: Readonly<Record<string, string>> = {
  approve: 'approve a draft',
  schedule: 'have it begin at its time',
  pause: 'hold it up (needs --reason)',
  resume: 'let it go on (needs --reason)',
  abort: 'end it for good (needs --reason)',
};

/** `usher campaign list|show|put|approve|schedule|pause|resume|abort|preview|test|forecast` */
export function addCampaigns(program: Command, open: () => Cli): void {
  const campaign = program.command('campaign').description('what is told to many people at once');
  addReading(campaign, open);
  campaign
    .command('put <name> <file>')
    .description('create or replace one from a JSON file (- reads the input); it is a draft then')
    .action(async (name: string, file: string) => {
      const cli = open();
      const body = parsed(await readInput(cli.terminal, file), file);
      const put = (await cli.api.call('PUT', path`/v1/campaigns/${name}`, { body })) as Campaign;
      cli.output.result(put, () => [became(put)]);
    });
  for (const [act, description] of Object.entries(ACTS))
    campaign
      .command(`${act} <name>`)
      .description(description)
      .action(async (name: string) => {
        const { api, output } = open();
        const done = (await api.call('POST', `${path`/v1/campaigns/${name}`}/${act}`)) as Campaign;
        output.result(done, () => [became(done)]);
      });
  addTrying(campaign, open);
}

function addReading(campaign: Command, open: () => Cli): void {
  campaign
    .command('list')
    .description('the campaigns, the newest first')
    .action(async () => {
      const { api, output } = open();
      const found = (await api.call('GET', '/v1/campaigns')) as Listed;
      output.result(found, () =>
        found.campaigns.length === 0
          ? ['There is none yet.']
          : table(
              found.campaigns.map((one) => [one.name, one.state, one.createdAt, plainText(one.author.name)]),
            ),
      );
    });
  campaign
    .command('show <name>')
    .description('one campaign: how far it is, and what became of its members')
    .action(async (name: string) => {
      const { api, output } = open();
      const found = (await api.call('GET', path`/v1/campaigns/${name}`)) as Described;
      output.result(found, () => describe(found));
    });
}

function addTrying(campaign: Command, open: () => Cli): void {
  campaign
    .command('preview <name> <user>')
    .description('what it would say to one user now, and how')
    .action(async (name: string, userId: string) => {
      const { api, output } = open();
      const body = { userId };
      const shown = (await api.call('POST', path`/v1/campaigns/${name}/preview`, { body })) as z.output<
        typeof campaignPreview
      >;
      output.result(shown, () => [
        shown.channel === null ? `nothing: ${shown.reason}` : `by ${shown.channel}`,
        ...(shown.fault === null ? [] : [plainText(shown.fault)]),
        plainText(JSON.stringify(shown.words)),
      ]);
    });
  campaign
    .command('test <name> <user>')
    .description('send it to one user, to try it')
    .action(async (name: string, userId: string) => {
      const { api, output } = open();
      const body = { userId };
      const sent = (await api.call('POST', path`/v1/campaigns/${name}/test`, { body })) as z.output<
        typeof campaignTested
      >;
      output.result(sent, () => [`${userId} gets it by ${sent.channel} (event ${sent.eventId}).`]);
    });
  campaign
    .command('forecast <name>')
    .description('how many people it reaches, how, and when it is through')
    .action(async (name: string) => {
      const { api, output } = open();
      const forecast = (await api.call('POST', path`/v1/campaigns/${name}/dry-run`)) as Forecast;
      output.result(forecast, () => linesOf(forecast));
    });
}

function linesOf({ members, duplicates, queued, skipped, broadcast, ...times }: Forecast): string[] {
  if (broadcast)
    return [
      `everyone: ${about(members)} users, one row${broadcast.bytes === null ? '' : ` of ${broadcast.bytes} bytes`}`,
      broadcast.fault === null
        ? `published at ${times.startsAt}`
        : `it cannot be published: ${plainText(broadcast.fault)}`,
    ];
  return [
    `${about(members)} people, ${duplicates} of them found twice`,
    ...table([
      ...Object.entries(queued).map(([channel, n]) => ['', channel, String(n)]),
      ...Object.entries(skipped).map(([reason, n]) => ['', `skipped: ${reason}`, String(n)]),
    ]),
    `queued at ${times.queuedAt}, through at ${times.throughAt ?? 'no time: a way is not configured'}`,
  ];
}

const about = ({ size, margin, isExact }: { size: number; margin: number; isExact: boolean }): string =>
  isExact ? String(size) : `about ${size} (± ${margin})`;

const became = ({ name, state }: Campaign): string => `${name} is ${state}.`;

function describe({ name, state, problem, author, approver, ...what }: Described): string[] {
  const by = `by ${plainText(author.name)}${approver ? `, approved by ${plainText(approver.name)}` : ''}`;
  return [
    `${name} is ${state}, ${by}`,
    ...(problem === null ? [] : [plainText(problem)]),
    ...(what.campaign['to'] === 'everyone' ? [] : membersOf(what)),
    ...(what.broadcast ? describeBroadcast(what.broadcast) : []),
  ];
}

function membersOf({ counts, outcomes }: Pick<Described, 'counts' | 'outcomes'>): string[] {
  const { audience, duplicates, members, pending, queued, skipped, converted } = counts;
  return table([
    ['', 'found in audiences', String(audience)],
    ['', 'found again in another', String(duplicates.users)],
    ['', 'persons', String(members)],
    ['', 'waiting for their turn', String(pending)],
    ...Object.entries(queued).map(([channel, n]) => ['', `sent by ${channel}`, String(n)]),
    ...Object.entries(skipped).map(([reason, n]) => ['', `skipped: ${reason}`, String(n)]),
    ['', 'converted', String(converted)],
    ...outcomes.map((one) => ['', `${one.channel} ${one.state}`, String(one.count)]),
  ]);
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageFailure(`${file} is not JSON.`);
  }
}
