import type { Command } from 'commander';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { Failure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { explain } from '../timeline/explanation.js';
import { type DescribedEvent, readTimeline } from '../timeline/timeline.js';

/** How far back the newest event of a type is looked for, in pages of 200 steps. */
const MOST_PAGES = 50;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** `usher why <event> [device]` */
export function addWhy(program: Command, open: () => Cli): void {
  program
    .command('why <event> [device]')
    .description('say why the devices of a user, or one of them, did or did not get an event')
    .requiredOption('--user <user>', 'whose event it is')
    .addHelpText('after', '\nThe event is an id, or a type: then the newest event of this type is meant.')
    .action(async (event: string, device: string | undefined, { user: userId }: { user: string }) => {
      const cli = open();
      const found = UUID.test(event)
        ? await readEvent(cli, userId, event)
        : await newestOf(cli, userId, event);
      const devices = found.devices.filter(({ deviceId }) => device === undefined || deviceId === device);
      if (device !== undefined && devices.length === 0)
        throw new Failure(
          `${plainText(userId)} has no device ${plainText(device)}: \`usher user\` lists them.`,
        );
      cli.output.result({ ...found, devices }, () =>
        devices.length > 0
          ? explain(found, devices)
          : [...explain(found, []), '', `${plainText(userId)} has no devices: nobody could get it.`],
      );
    });
}

async function readEvent({ api }: Cli, userId: string, eventId: string): Promise<DescribedEvent> {
  return (await api.call('GET', path`/v1/users/${userId}/events/${eventId}`)) as DescribedEvent;
}

async function newestOf({ api }: Cli, userId: string, type: string): Promise<DescribedEvent> {
  for await (const step of readTimeline(api, userId, MOST_PAGES))
    if (step.step === 'event' && step.type === type) return step;
  throw new Failure(
    `The timeline of ${plainText(userId)} has no event ${plainText(type)}. Routine events are not stored, and superseded ones only as long as their receipts.`,
  );
}
