import type { Command } from 'commander';
import type { z } from 'zod';
import type { resentResponse } from '../../../../src/support/support.schema.js';
import { path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { plainText } from '../output/plain-text.js';

type Resent = z.output<typeof resentResponse>;

/** `usher resend <event> [device]` */
export function addResend(program: Command, open: () => Cli): void {
  program
    .command('resend <event> [device]')
    .description(
      'send an event again to the devices of a user that have not got it, or to one of them (needs --reason)',
    )
    .requiredOption('--user <user>', 'whose event it is')
    .addHelpText(
      'after',
      '\nIt is sent as it is, with its id and offset: a device that has it all the same ignores it.',
    )
    .action(async (event: string, deviceId: string | undefined, { user: userId }: { user: string }) => {
      const { api, output } = open();
      const resent = (await api.call('POST', path`/v1/users/${userId}/events/${event}/resend`, {
        body: { ...(deviceId !== undefined && { deviceId }) },
      })) as Resent;
      output.result(resent, () =>
        resent.devices.length === 0
          ? ['The user has no device.']
          : resent.devices.map((device) => `${plainText(device.deviceId)}: ${WAYS[device.by]}`),
      );
    });
}

const WAYS: Record<Resent['devices'][number]['by'], string> = {
  connection: 'is connected, and was sent it again',
  push: 'is asleep, and a push is on its way',
  later: 'is asleep and cannot be pushed to: it gets it when it connects',
  nothing: 'has it, or is not meant to get it',
};
