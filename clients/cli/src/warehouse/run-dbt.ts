import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { Failure } from '../failures.js';
import type { Terminal } from '../terminal.js';

/** What dbt is to do, and with what. */
export interface DbtRun {
  /** The program. */
  readonly dbt: string;
  /** The folder of the dbt project. */
  readonly project: string;
  /** The raw zone. */
  readonly raw: string;
  /** The DuckDB file. Beside it dbt keeps what it knows of the project. */
  readonly file: string;
  /** The file with the keys of users. */
  readonly keys: string;
  /** Whether staging and presentation are made anew from all of the raw zone. */
  readonly isFull: boolean;
  /** An hour that is read again. */
  readonly replay: string | undefined;
}

/** Runs `dbt build`: models and their tests. Ctrl-C ends it in order. Throws Failure when it cannot be started, or something in it failed. */
export async function runDbt(run: DbtRun, { env, stdout, stderr, signal }: Terminal): Promise<void> {
  const args = [
    'build',
    ...['--project-dir', run.project, '--profiles-dir', run.project],
    ...['--target-path', `${run.file}.dbt`, '--log-path', `${run.file}.dbt`],
    ...(run.isFull ? ['--full-refresh'] : []),
  ];
  const child = spawn(run.dbt, args, {
    env: {
      ...env,
      DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
      USHER_WAREHOUSE_PROJECT: run.project,
      USHER_WAREHOUSE_RAW: run.raw,
      USHER_WAREHOUSE_FILE: run.file,
      USHER_WAREHOUSE_KEYS: run.keys,
      USHER_WAREHOUSE_REPLAY: run.replay ?? '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (data: Buffer) => void stdout.write(data));
  child.stderr.on('data', (data: Buffer) => void stderr.write(data));
  const stop = () => void child.kill('SIGINT');
  const kill = () => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop);
  process.once('exit', kill); // after a second Ctrl-C nobody waits for it
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Failure('dbt ended with an error: see above.');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Failure(
      `${run.dbt} cannot be started: install ${run.project}/requirements.txt with pip, or name dbt with --dbt.`,
    );
  } finally {
    signal.removeEventListener('abort', stop);
    process.off('exit', kill);
  }
}
