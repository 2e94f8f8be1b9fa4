import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { Failure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { explain } from '../timeline/explanation.js';
import { type EventStep, readTimeline } from '../timeline/timeline.js';

/** How far back an event is looked for, in pages of 200 steps. */
const MOST_PAGES = 50;

/** `usher why <event> [device]` */
export function addWhy(program: Command, open: () => Cli): void {
  program
    .command('why <event> [device]')
    .description('say why the devices of a user, or one of them, did or did not get an event')
    .requiredOption('--user <user>', 'whose event it is')
    .addHelpText('after', '\nThe event is an id, or a type: then the newest event of this type is meant.')
    .action(async (event: string, device: string | undefined, { user }: { user: string }) => {
      const cli = open();
      const found = await findEvent(cli, user, event);
      const devices = found.devices.filter(({ deviceId }) => device === undefined || deviceId === device);
      if (device !== undefined && devices.length === 0)
        throw new Failure(
          `${plainText(user)} has no device ${plainText(device)}: \`usher user\` lists them.`,
        );
      cli.output.result({ ...found, devices }, () =>
        devices.length > 0
          ? explain(found, devices)
          : [...explain(found, []), '', `${plainText(user)} has no devices: nobody could get it.`],
      );
    });
}

async function findEvent({ api }: Cli, userId: string, event: string): Promise<EventStep> {
  for await (const step of readTimeline(api, userId, MOST_PAGES))
    if (step.step === 'event' && (step.id === event || step.type === event)) return step;
  throw new Failure(
    `The timeline of ${plainText(userId)} has no event ${plainText(event)}. Routine events are not stored, and superseded ones only as long as their receipts.`,
  );
}
