import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { z } from 'zod';
import type { describedRun, runList } from '../../../../src/recommendations/runs/runs.schema.js';
import { Refusal } from '../api/problem.js';
import { type ApiRequest, path } from '../api/usher-api.js';
import type { Cli } from '../cli.js';
import { Failure } from '../failures.js';
import { openInput } from '../input.js';
import { plainText } from '../output/plain-text.js';
import { table } from '../output/table.js';

/** A night is enough for any nightly file. */
const TIMEOUT_MS = 12 * 3_600_000;
/** Refused lines that people are shown. */
const MOST_SHOWN = 20;

/** How many lines of the file became what. */
interface Counts {
  readonly accepted: number;
  readonly unchanged: number;
  readonly conflicting: number;
  readonly stale: number;
  readonly rejectedCount: number;
}
/** A line of the file that was not taken. */
interface Rejected {
  readonly line: number;
  readonly code: string;
  readonly path?: string;
  readonly message?: string;
}
/** A line of the response of POST /v1/recommendations. */
type Answer =
  | { readonly progress: Counts }
  | { readonly error: { readonly code: string; readonly detail?: string } }
  | (Counts & { readonly runId?: string; readonly rejected: readonly Rejected[] });

/** `usher recommendations push <file>`, `usher recommendations runs [run]` */
export function addRecommendations(program: Command, open: () => Cli): void {
  const recommendations = program.command('recommendations').description('the front pages of users');
  addRuns(recommendations, open);
  recommendations
    .command('push <file>')
    .description(
      'send a nightly file (NDJSON, or gzip when it ends with .gz; - reads the input); sending it again is harmless',
    )
    .option('--refuse', 'write nothing at all when a line is wrong (a file of 64 MB at most)')
    .action(async (file: string, { refuse = false }: { refuse?: boolean }) => {
      const cli = open();
      const { output, terminal } = cli;
      let last: Answer | undefined;
      const onInvalid = refuse ? 'refuse' : 'skip';
      const request = {
        body: Readable.toWeb(await openInput(terminal, file)),
        headers: {
          'content-type': 'application/x-ndjson',
          ...(file.endsWith('.gz') && { 'content-encoding': 'gzip' }),
        },
        timeoutMs: TIMEOUT_MS,
      };
      for await (const line of linesOf(cli, `/v1/recommendations?onInvalid=${onInvalid}`, request)) {
        last = line as Answer;
        if ('progress' in last && terminal.stderr.isTTY) terminal.stderr.write(`\r${inWords(last.progress)}`);
      }
      if (terminal.stderr.isTTY) terminal.stderr.write('\n');
      finish({ output }, last);
    });
}

function addRuns(recommendations: Command, open: () => Cli): void {
  recommendations
    .command('runs [run]')
    .description(
      'the newest nightly files and what became of them; of one run also the lines that were rejected',
    )
    .action(async (id: string | undefined) => {
      const { api, output } = open();
      if (id === undefined) {
        const found = (await api.call('GET', '/v1/recommendation-runs')) as z.output<typeof runList>;
        const rows = found.runs.map(rowOf);
        return output.result(found, () => (rows.length === 0 ? ['There was none yet.'] : table(rows)));
      }
      const run = (await api.call('GET', path`/v1/recommendation-runs/${id}`)) as z.output<
        typeof describedRun
      >;
      output.result(run, () => [...table([rowOf(run)]), ...describe(run.rejected)]);
    });
}

function rowOf({ id, status, startedAt, counts, error }: z.output<typeof runList>['runs'][number]): string[] {
  const became = error ? plainText(`${error.code}: ${error.detail}`) : counts ? inWords(counts) : '';
  return [id, startedAt, status, became];
}

/** Yields the lines of the response. Which lines of a refused file are wrong is said before it throws the Refusal. */
async function* linesOf({ api, output }: Cli, address: string, request: ApiRequest): AsyncGenerator {
  try {
    yield* api.lines('POST', address, request);
  } catch (error) {
    const rejected = error instanceof Refusal ? error.problem.body['rejected'] : undefined;
    if (Array.isArray(rejected)) for (const line of describe(rejected as Rejected[])) output.note(line);
    throw error;
  }
}

function finish({ output }: Pick<Cli, 'output'>, last: Answer | undefined): void {
  if (last === undefined || 'progress' in last)
    throw new Failure('The answer ended before its last line: send the file again.');
  if ('error' in last)
    throw new Failure(
      `${last.error.code}: ${last.error.detail ?? ''}\nWhat was committed stays: send the file again.`,
    );
  const { rejected, runId, ...counts } = last;
  output.result(last, () => [
    `${inWords(counts)}${runId === undefined ? '' : ` (run ${runId})`}`,
    ...describe(rejected),
  ]);
  if (counts.rejectedCount > 0) throw new Failure(`${counts.rejectedCount} lines were rejected.`);
}

const describe = (rejected: readonly Rejected[]): string[] =>
  table(
    rejected
      .slice(0, MOST_SHOWN)
      .map(({ line, code, path, message }) => [
        `  line ${line}`,
        code,
        path ? plainText(path) : '',
        message === undefined ? '' : plainText(message),
      ]),
  );

const inWords = ({ accepted, unchanged, conflicting, stale, rejectedCount }: Counts): string =>
  `${accepted} accepted, ${unchanged} unchanged (${conflicting} of them conflicting), ${stale} stale, ${rejectedCount} rejected`;
