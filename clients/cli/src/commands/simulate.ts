import { type Command, InvalidArgumentError } from 'commander';
import type { Cli } from '../cli.js';
import { parseCount } from '../durations.js';
import { Failure } from '../failures.js';
import type { Progress } from '../simulate/evening.js';
import { latencyLines, LiveView } from '../simulate/live-view.js';
import type { SimulateOptions } from '../simulate/prepare-evening.js';

/** `usher simulate` */
export function addSimulate(program: Command, open: () => Cli): void {
  program
    .command('simulate')
    .description(
      'let people live through an evening on a test installation, and say what was lost; Ctrl-C ends it with the verdict so far',
    )
    .option('--users <count>', 'how many people, with two devices each', parseCount(1, 20_000), 100)
    .option('--minutes <minutes>', 'how long it lasts', parsePositive, 1)
    .option('--pace <seconds>', 'how long a person waits between two acts, on average', parsePositive, 10)
    .addHelpText('after', HELP)
    .action(async (options: SimulateOptions) => {
      const cli = open();
      const { prepareEvening } = await import('../simulate/prepare-evening.js'); // it brings Socket.IO
      const evening = prepareEvening(cli, options);
      const view = new LiveView(cli.terminal, cli.output, () => evening.progress());
      view.start();
      try {
        await evening.run();
      } finally {
        view.stop();
        evening.close();
      }
      finish(cli, evening.progress());
    });
}

const HELP = `
People start, pause, go on at another device, change plans (by signed webhooks of Stripe, where STRIPE_WEBHOOK_SECRET is known) and lose
their network; meanwhile events of every tier are published to them. Their devices are those of @usher/client, with its rules.
It leaves the people (simulated-…) and two plans (simulated-basic, simulated-premium) behind.
It ends with 1 when an event or a plan did not reach a device, or reached another user's.`;

function finish(
  { output }: Cli,
  { verdict, devices, elapsedSeconds, failedActs, withoutPlan }: Progress,
): void {
  const isGood = verdict.lost === 0 && verdict.misdelivered === 0 && withoutPlan === 0;
  const { published, routinePublished, delivered, lost, misdelivered } = verdict;
  const result = { ...verdict, devices, seconds: elapsedSeconds, failedActs, withoutPlan };
  output.result(result, () => [
    `${published} durable events were published to ${devices} devices, and ${routinePublished} routine ones`,
    `delivered ${delivered}, ${output.paint(lost === 0 ? 'good' : 'bad', `lost ${lost}`)}, ${output.paint(
      misdelivered === 0 ? 'good' : 'bad',
      `misdelivered ${misdelivered}`,
    )}`,
    ...(withoutPlan > 0 ? [`${withoutPlan} devices do not show their user's plan`] : []),
    ...(failedActs > 0 ? [`${failedActs} calls of the back office were not answered`] : []),
    ...latencyLines(verdict),
  ]);
  if (!isGood) throw new Failure('Something did not arrive where it should: `usher why` explains an event.');
}

function parsePositive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1_440) return value;
  throw new InvalidArgumentError('It is a number above 0, up to 1440.');
}
