import { type Command, Option } from 'commander';
import { type Cli, idempotencyKey } from '../cli.js';
import { inSeconds, parseDuration } from '../durations.js';
import { UsageFailure } from '../failures.js';
import { readInput } from '../input.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

interface PublishOptions {
  readonly tier: string;
  readonly key?: string;
  readonly device?: string;
  readonly profileId?: string;
  readonly expiresIn?: number;
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
}

/** The response of POST /v1/events. */
interface Published {
  readonly accepted: readonly {
    readonly id: string;
    readonly offset?: number;
    readonly devices?: readonly { readonly deviceId: string; readonly state: string }[];
  }[];
}

/** `usher publish <user> <type> [data]` */
export function addPublish(program: Command, open: () => Cli): void {
  program
    .command('publish <user> <type> [data]')
    .description('publish an event to the devices of a user; data is JSON, or - to read it from the input')
    .addOption(
      new Option('--tier <tier>', 'how urgent it is')
        .choices(['critical', 'important', 'routine'])
        .default('important'),
    )
    .option('--key <key>', 'what the event supersedes')
    .option('--device <device>', 'the one device that it is for')
    .option('--profile-id <profile>', 'the person within the account that it is for')
    .option('--expires-in <time>', 'when it stops to matter: 30s, 15m, 2h, 7d', parseDuration)
    .option('--wait', 'wait until the devices that are connected have received it')
    .option('--idempotency-key <key>', 'the same key again has no second effect')
    .action(async (userId: string, type: string, data: string | undefined, options: PublishOptions) => {
      const cli = open();
      const event = { userId, type, data: await readData(cli, data), ...fieldsOf(options) };
      const answer = await cli.api.call('POST', `/v1/events${options.wait ? '?wait=received' : ''}`, {
        body: { events: [event] },
        headers: idempotencyKey(options.idempotencyKey),
      });
      cli.output.result(answer, () => describe(answer as Published));
    });
}

/** Returns the data of an event as it was given, or read from the input. Throws UsageFailure when it is not JSON. */
export async function readData({ terminal }: Cli, given = '{}'): Promise<unknown> {
  const text = given === '-' ? await readInput(terminal, '-') : given;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageFailure('The data of the event is not JSON. In a shell: \'{ "title": "Free week" }\'');
  }
}

function fieldsOf({ tier, key, device, profileId, expiresIn }: PublishOptions): Record<string, unknown> {
  return {
    tier,
    ...(key !== undefined && { key }),
    ...(device !== undefined && { deviceId: device }),
    ...(profileId !== undefined && { profileId }),
    ...(expiresIn !== undefined && { expiresAt: inSeconds(expiresIn) }),
  };
}

function describe({ accepted }: Published): string[] {
  return accepted.flatMap(({ id, offset, devices = [] }) => [
    offset === undefined
      ? `${id} is being sent to the devices that are connected`
      : `${id} is stored at offset ${offset}`,
    ...table(devices.map(({ deviceId, state }) => ['', plainText(deviceId), state])),
  ]);
}
