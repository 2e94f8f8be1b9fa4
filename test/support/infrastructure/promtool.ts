import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const RULES = fileURLToPath(new URL('../../../deploy/prometheus/alerts.yaml', import.meta.url));

/** Returns why Prometheus' own tool cannot run on this machine (on Debian it is in the package `prometheus`); undefined if it can. */
export const promtoolUnavailable = (): string | undefined =>
  spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'no promtool on the PATH';

/** Series, and which alerts fire so many minutes after their beginning. */
export interface RuleCase {
  readonly name: string;
  /** The values of each series, one a minute, as promtool has them: `1x60` is sixty-one times 1. */
  readonly series: Readonly<Record<string, string>>;
  readonly minute: number;
  readonly fires: readonly string[];
}

/** Has promtool evaluate the alert rules. Returns what it says of the cases that are not so; empty when all are. */
export function testRules(cases: readonly RuleCase[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'usher-promtool-'));
  try {
    const file = join(folder, 'test.yaml');
    writeFileSync(file, stringify({ rule_files: [RULES], tests: cases.map(toTest) }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const toTest = ({ name, series, minute, fires }: RuleCase) => ({
  name,
  interval: '1m',
  input_series: Object.entries(series).map(([of, values]) => ({ series: of, values })),
  promql_expr_test: [
    {
      // The name of the case is in what promtool says of it.
      expr: `group by (alertname) (ALERTS{alertstate="firing"}) # ${name}`,
      eval_time: `${minute}m`,
      exp_samples: fires.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
    },
  ],
});
