import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { UsageFailure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** `usher profile add|use|list|remove` */
export function addProfile(program: Command, open: () => Cli): void {
  const profile = program.command('profile').description('the Ushers that you work with');
  profile
    .command('add <name>')
    .description('add one, of --url, with the service key that is typed or piped in, and use it')
    .action(async (name: string) => {
      const cli = open();
      const { url } = program.opts<{ url?: string }>();
      if (url === undefined)
        throw new UsageFailure('Say where it is: usher profile add <name> --url https://…');
      const checked = cli.settings.url;
      const serviceKey = await readSecret(cli);
      if (/\s/.test(serviceKey)) throw new UsageFailure('A service key has no spaces.');
      cli.profiles.add(name, { url: checked, ...(serviceKey !== '' && { serviceKey }) });
      cli.output.result({ name, url: checked }, () => [`${plainText(name)} is used from now on: ${checked}`]);
    });
  profile
    .command('use [name]')
    .description('use this one from now on; none when no name is given')
    .action((name: string | undefined) => {
      const { profiles, output } = open();
      profiles.use(name);
      output.result({ current: name ?? null }, () => [
        name ? `${plainText(name)} is used from now on` : 'No profile is used from now on',
      ]);
    });
  profile
    .command('remove <name>')
    .description('forget one, and its key')
    .action((name: string) => {
      const { profiles, output } = open();
      profiles.remove(name);
      output.result({ removed: name }, () => [`${plainText(name)} is removed`]);
    });
  profile
    .command('list', { isDefault: true })
    .description('list them; * is the one in use. Keys are not shown')
    .action(() => {
      const { profiles, output } = open();
      const { current, profiles: all } = profiles.list();
      const rows = Object.entries(all).map(([name, { url, serviceKey }]) => ({
        name,
        url,
        hasKey: serviceKey !== undefined,
      }));
      output.result({ current: current ?? null, profiles: rows }, () =>
        table(
          rows.map(({ name, url, hasKey }) => [
            name === current ? '*' : '',
            plainText(name),
            plainText(url),
            hasKey ? 'with a key' : 'without a key',
          ]),
        ),
      );
    });
}

/** Reads one line. On a terminal it asks, and does not show what is typed. */
async function readSecret({ terminal }: Cli): Promise<string> {
  const { stdin, stderr } = terminal;
  const isTyped = stdin.isTTY === true;
  if (isTyped) stderr.write('Service key (not shown; empty for none): ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: isTyped });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
    if (isTyped) stderr.write('\n');
  }
}
