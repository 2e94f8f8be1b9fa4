import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { Check } from '../doctor/check.js';
import { Failure } from '../failures.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** `usher doctor` */
export function addDoctor(program: Command, open: () => Cli): void {
  program
    .command('doctor')
    .description(
      "check an installation: the server's settings in this environment, databases, schema, clocks, vendors, certificates, the node",
    )
    .action(async () => {
      const cli = open();
      const { examine } = await import('../doctor/examine.js'); // it brings the clients of both databases
      const checks = await examine(cli);
      const failed = checks.filter(({ status }) => status === 'fail').length;
      cli.output.result({ healthy: failed === 0, checks }, () => describe(cli, checks));
      if (failed > 0) throw new Failure(`${failed} of ${checks.length} checks failed.`);
    });
}

function describe({ output }: Cli, checks: readonly Check[]): string[] {
  const tones = { ok: 'good', warn: 'warning', fail: 'bad' } as const;
  const lines = table(checks.map(({ name, detail }) => [name, plainText(detail)]));
  return checks.flatMap(({ status, advice }, n) => [
    `${output.paint(tones[status], status.padEnd(4))}  ${lines[n] ?? ''}`,
    ...(advice === undefined ? [] : [`      ${advice}`]),
  ]);
}
