import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { Cli } from './cli.js';
import { addAudit } from './commands/audit.js';
import { addBroadcasts } from './commands/broadcasts.js';
import { addCampaigns } from './commands/campaigns.js';
import { addDoctor } from './commands/doctor.js';
import { addAnalytics } from './commands/analytics.js';
import { addEdges } from './commands/edges.js';
import { addEpoch } from './commands/epoch.js';
import { addFind } from './commands/find.js';
import { addKeys } from './commands/keys.js';
import { addListen } from './commands/listen.js';
import { addOverview } from './commands/overview.js';
import { addPlans } from './commands/plans.js';
import { addProfile } from './commands/profile.js';
import { addPublish } from './commands/publish.js';
import { addPush } from './commands/push.js';
import { addRecommendations } from './commands/recommendations.js';
import { addResend } from './commands/resend.js';
import { addSimulate } from './commands/simulate.js';
import { addTail } from './commands/tail.js';
import { addToken } from './commands/token.js';
import { addTrigger } from './commands/trigger.js';
import { addUser } from './commands/user.js';
import { addWarehouse } from './commands/warehouse.js';
import { addWebhooks } from './commands/webhooks.js';
import { addWhy } from './commands/why.js';
import { EXIT, Failure } from './failures.js';
import type { GlobalOptions } from './settings/settings.js';
import type { Terminal } from './terminal.js';

/** Adds a command to the program. `open` is called by the command's action: it reads the settings. */
export type AddCommand = (program: Command, open: () => Cli) => void;

const COMMANDS: readonly AddCommand[] = [
  addToken,
  addPublish,
  addBroadcasts,
  addListen,
  addUser,
  addFind,
  addTail,
  addWhy,
  addResend,
  addPush,
  addTrigger,
  addWebhooks,
  addPlans,
  addRecommendations,
  addCampaigns,
  addKeys,
  addAudit,
  addOverview,
  addAnalytics,
  addEdges,
  addDoctor,
  addEpoch,
  addWarehouse,
  addSimulate,
  addProfile,
];

/** Runs one command line, without the program's name. Returns the exit code (EXIT); never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('usher')
    .version((createRequire(import.meta.url)('../package.json') as { version: string }).version)
    .description('The command line of Usher, the notification gateway.')
    .option('--url <url>', 'where Usher is (USHER_URL)')
    .option('--profile <name>', 'a profile of `usher profile list`')
    .option('--reason <text>', 'why you do this: it stands in the audit')
    .option('--json', "print the API's answer as JSON, and nothing else")
    .showHelpAfterError('(--help shows how it is used)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    });
  const open = () => new Cli(terminal, program.opts<GlobalOptions>());
  for (const add of COMMANDS) add(program, open);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return exitCodeOf(error, terminal);
  }
}

function exitCodeOf(error: unknown, { stderr }: Terminal): number {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(error instanceof Failure)) {
    stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.refused;
  }
  stderr.write(`${error.message}\n`);
  return error.exitCode;
}
