import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { newEpoch } from '../epoch/new-epoch.js';
import { NEEDS_REASON, UsageFailure } from '../failures.js';

const HELP = `
For a copy of a database that is to run beside its original. Devices that have read the original begin with the whole state, and what Redis holds of the
original is not the copy's. Stop all nodes of the copy first. (After restoring a backup raise the generation instead: docs/operate/backup.md.)`;

/** `usher epoch new` */
export function addEpoch(program: Command, open: () => Cli): void {
  program
    .command('epoch')
    .description('the identity of the numbering of all mailboxes')
    .command('new <name>')
    .description(
      'make a copied database an installation of its own, with this name (needs USHER_DATABASE_URL and --reason)',
    )
    .option('--yes', 'do it; without it only how much it would change is shown')
    .addHelpText('after', HELP)
    .action(async (name: string, { yes: confirmed = false }: { yes?: boolean }) => {
      const { settings, output } = open();
      const { reason } = program.opts<{ reason?: string }>();
      if (reason === undefined) throw new UsageFailure(NEEDS_REASON);
      const url = settings.need('USHER_DATABASE_URL', 'the database itself');
      const done = await newEpoch(url, { name, by: userInfo().username, reason, confirmed });
      output.result(done, () => [
        done.isDone
          ? `This is the installation ${done.name} now, in the epoch ${done.epoch}. ${done.mailboxes} mailboxes begin with the whole state.`
          : `${done.mailboxes} mailboxes would get another epoch, and their devices the whole state. Add --yes to do it.`,
      ]);
    });
}
