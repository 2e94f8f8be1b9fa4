import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { UsageFailure } from '../failures.js';
import { runDbt } from '../warehouse/run-dbt.js';
import { WarehouseSession } from '../warehouse/warehouse-session.js';

const HELP = `
Reads the files of the raw zone that it has not read yet, and brings staging and presentation up to date by dbt, whose tests run too. Needs USHER_DATABASE_URL
for the keys of users; they are in a file for the time of the run. Two runs at once are refused. docs/operate/warehouse.md says how to run it every hour.`;
const HOUR = /^\d{4}-\d\d-\d\dT\d\d$/;

interface Options {
  readonly project: string;
  readonly raw: string;
  readonly file: string;
  readonly dbt: string;
  readonly replay?: string;
  readonly full?: boolean;
}

/** `usher warehouse run` */
export function addWarehouse(program: Command, open: () => Cli): void {
  program
    .command('warehouse')
    .description('the tables that are made of the raw zone')
    .command('run')
    .description('bring the tables of the warehouse up to date (needs USHER_DATABASE_URL, and dbt)')
    .option('--project <folder>', 'the dbt project', 'warehouse')
    .option('--raw <folder>', 'the raw zone', 'raw-zone')
    .option('--file <file>', 'the DuckDB file of the warehouse', 'usher-warehouse.duckdb')
    .option('--dbt <program>', 'dbt, if it is not on the PATH', 'dbt')
    .option('--replay <hour>', 'read an hour of the raw zone again, as 2026-11-26T21 (UTC)')
    .option('--full', 'make all tables anew from all of the raw zone')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const { replay } = options;
      if (replay !== undefined && !HOUR.test(replay))
        throw new UsageFailure('--replay needs an hour, as 2026-11-26T21 (UTC).');
      await runWarehouse(open(), options);
    });
}

async function runWarehouse({ settings, terminal }: Cli, options: Options): Promise<void> {
  const session = await WarehouseSession.open(settings.need('USHER_DATABASE_URL', 'the database itself'));
  const path = (given: string) => resolve(terminal.cwd, given);
  const { dbt, replay, full = false } = options;
  const [project, raw, file] = [path(options.project), path(options.raw), path(options.file)];
  const keys = `${file}.keys`;
  const removeKeys = () => rmSync(keys, { force: true });
  process.once('exit', removeKeys); // after a second Ctrl-C
  try {
    removeKeys(); // of a run that was killed
    await session.writeKeys(keys);
    await runDbt({ dbt, project, raw, file, keys, replay, isFull: full }, terminal);
  } finally {
    removeKeys();
    process.off('exit', removeKeys);
    await session.close();
  }
}
