import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { Envelope, UsherError } from '../../../web/src/index.js';
import type { Cli } from '../cli.js';
import { parseCount } from '../durations.js';
import { Failure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { userToken } from '../user-tokens.js';

interface ListenOptions {
  readonly device: string;
  readonly platform: 'ios' | 'android' | 'web' | 'tv';
  readonly profileId?: string;
  readonly count?: number;
}

/** `usher listen <user>` */
export function addListen(program: Command, open: () => Cli): void {
  program
    .command('listen <user>')
    .description('connect as a device of the user, and print each event that it gets; Ctrl-C ends it')
    .option('--device <device>', 'the id of the device', 'usher-cli')
    .addOption(
      new Option('--platform <platform>', 'what it is')
        .choices(['ios', 'android', 'web', 'tv'])
        .default('web'),
    )
    .option('--profile-id <profile>', 'the person within the account')
    .option('--count <count>', 'end after this many events', parseCount(1, 1_000_000))
    .action(async (userId: string, options: ListenOptions) => {
      const cli = open();
      const { settings, terminal, output } = cli;
      await userToken(settings, userId); // what is wrong with the settings is said before anything is tried
      const { connect } = await import('../../../web/src/index.js'); // it brings Socket.IO
      const client = connect({
        url: settings.url,
        token: () => userToken(settings, userId),
        deviceId: options.device,
        platform: options.platform,
        ...(options.profileId !== undefined && { profileId: options.profileId }),
      });
      let left = options.count ?? Number.POSITIVE_INFINITY;
      const ended = new Promise<void>((resolve, reject) => {
        client.on('refused', (error) => reject(refusal(error)));
        // The client tries again with a new token, but the next one would be signed with the same wrong secret.
        client.on('offline', (error) => error.code === 'token_invalid' && reject(refusal(error)));
        client.on('*', (event) => {
          output.result(event, () => [eventLine(event)]);
          left -= 1;
          if (left === 0) resolve();
        });
      });
      client.on('error', (error) => output.note(String(error)));
      client.on('offline', ({ code, message }) => output.note(`offline: ${code}: ${message}. Trying again.`));
      let isLive = false;
      client.on('change', ({ connection, position }) => {
        if (connection === 'live' && !isLive)
          output.note(`connected as ${plainText(options.device)} at offset ${position?.offset ?? 0}`);
        isLive = connection === 'live';
      });
      try {
        await Promise.race([ended, interrupted(terminal.signal)]);
      } finally {
        client.close();
      }
    });
}

const eventLine = ({ at, type, tier, offset, id, data }: Envelope): string =>
  [at, tier, plainText(type), offset === undefined ? '-' : `#${offset}`, id, plainText(data)].join('  ');

const refusal = ({ code, message }: UsherError): Failure => new Failure(`${code}: ${message}`);

async function interrupted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
