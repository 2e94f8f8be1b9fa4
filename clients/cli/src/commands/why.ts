import type { Command } from 'commander';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { Failure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { explain } from '../timeline/event-lines.js';
import { type DescribedEvent, readTimeline } from '../timeline/timeline.js';

/** How far back the newest event of a type is looked for, in pages of 200 steps. */
const MOST_PAGES = 50;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** `usher why <event> [device]` */
export function addWhy(program: Command, open: () => Cli): void {
  program
    .command('why <event> [device]')
    .description('say why the devices of a user, or one of them, did or did not get an event')
    .requiredOption(
      '--user <user>',
      'whose event it is: events are stored by their users, and no index has all ids',
    )
    .addHelpText('after', '\nThe event is an id, or a type: then the newest event of this type is meant.')
    .action(async (event: string, device: string | undefined, { user: userId }: { user: string }) => {
      const cli = open();
      const id = UUID.test(event) ? event : await newestOf(cli, userId, event);
      const query = device === undefined ? '' : `?${String(new URLSearchParams({ deviceId: device }))}`;
      const found = (await cli.api.call(
        'GET',
        `${path`/v1/users/${userId}/events/${id}`}${query}`,
      )) as DescribedEvent;
      cli.output.result(found, () => explain(found));
    });
}

async function newestOf({ api }: Cli, userId: string, type: string): Promise<string> {
  for await (const step of readTimeline(api, userId, MOST_PAGES))
    if (step.step === 'event' && step.type === type) return step.id;
  throw new Failure(
    `The timeline of ${plainText(userId)} has no event ${plainText(type)}: it was never published to them, was routine, which is not stored, or is older than receipts are kept.`,
  );
}
