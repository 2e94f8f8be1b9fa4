import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { UsageFailure } from '../failures.js';
import { readInput } from '../input.js';
import { plainText } from '../output/plain-text.js';
import { diffPlan, type Plan, type PlanChange } from '../plans/plan-diff.js';
import { type PlanPreview, previewPlan, putPlan, readPlans } from '../plans/plans-api.js';

const EXAMPLE = `
The file:

  plans:
    family:
      name: Family
      prices: [price_family]
      capabilities: { streaming: true, maxStreams: 4, maxQuality: 4k, downloads: true, ads: false }

Plans that are not in the file stay as they are.`;

/** `usher plans apply` */
export function addPlans(program: Command, open: () => Cli): void {
  program
    .command('plans')
    .description('the plans that people buy')
    .command('apply')
    .description('create and change plans so that they are as a file says; only what differs is written')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads the input')
    .option('--dry-run', 'show what would change, and change nothing')
    .addHelpText('after', EXAMPLE)
    .action(async ({ file, dryRun = false }: { file: string; dryRun?: boolean }) => {
      const { api, output, terminal } = open();
      const wanted = plansOf(file, await parsed(file, await readInput(terminal, file)));
      const present = await readPlans(api);
      const changes = wanted.map(([planId, plan]) => diffPlan(planId, plan, present.get(planId)));
      const previews: PlanPreview[] = [];
      for (const [planId, plan] of inOrder(wanted, changes))
        if (dryRun) previews.push(await previewPlan(api, planId, plan));
        else await putPlan(api, planId, plan);
      output.result({ dryRun, changes, ...(dryRun && { previews }) }, () =>
        changes.flatMap((change) =>
          describe(change, dryRun).concat(
            previews.filter(({ planId }) => planId === change.planId).flatMap(consequences),
          ),
        ),
      );
    });
}

function plansOf(file: string, content: unknown): [string, Plan][] {
  const plans = (content as { plans?: unknown } | null)?.plans;
  if (typeof plans !== 'object' || plans === null || Array.isArray(plans))
    throw new UsageFailure(`${file} has no plans: \`usher plans apply --help\` shows how it looks.`);
  return Object.entries(plans).map(([planId, plan]) => [planId, checked(file, planId, plan)]);
}

async function parsed(file: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new UsageFailure(`${file} is not YAML: ${(error as Error).message}`);
  }
}

/** The server checks the values; here only what a comparison needs. */
function checked(file: string, planId: string, plan: unknown): Plan {
  const { name, prices, capabilities, ...unknown } = (plan ?? {}) as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined)
    throw new UsageFailure(`${file}: plans.${planId}.${stranger} is not a field of a plan.`);
  if (
    typeof name !== 'string' ||
    !Array.isArray(prices) ||
    typeof capabilities !== 'object' ||
    capabilities === null
  )
    throw new UsageFailure(`${file}: plans.${planId} needs a name, prices (a list) and capabilities.`);
  return { name, prices: prices.map(String), capabilities: { ...capabilities } };
}

/** A price that moves from one plan of the file to another must be free first. */
function inOrder(wanted: readonly [string, Plan][], changes: readonly PlanChange[]): [string, Plan][] {
  const different = wanted.filter((_, n) => changes[n]?.action !== 'keep');
  const losing = new Set(
    changes
      .filter((one) => one.changes.some((change) => change.startsWith('prices: -')))
      .map(({ planId }) => planId),
  );
  return different.toSorted(([one], [other]) => Number(losing.has(other)) - Number(losing.has(one)));
}

const DONE = { create: 'created', change: 'changed', keep: 'as it is' } as const;
const PLANNED = { create: 'to be created', change: 'to be changed', keep: 'as it is' } as const;

const describe = ({ planId, action, changes }: PlanChange, dryRun: boolean): string[] => [
  `${plainText(planId)}: ${(dryRun ? PLANNED : DONE)[action]}`,
  ...changes.map((change) => `  ${plainText(change)}`),
];

/** For whom it is so. */
function consequences({ affected, members, takenPrices }: PlanPreview): string[] {
  const byStatus = members.map(({ status, count }) => `${count} ${status}`).join(', ');
  return [
    ...(affected > 0 ? [`  ${affected} members get a new version (${byStatus})`] : []),
    ...takenPrices.map((price) => `  ${plainText(price)} is a price of another plan now`),
  ];
}
