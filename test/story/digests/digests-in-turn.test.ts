import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { DigestPlannerWorker } from '../../../src/digests/planning/digest-planner.worker.js';
import { DigestWorker } from '../../../src/digests/runs/digest.worker.js';
import { BudgetStore } from '../../../src/platform/budgets/budget.store.js';
import { WorkBudget } from '../../../src/platform/budgets/work-budget.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';

/** Workers of digests within the process of the test, on a real PostgreSQL and Redis: how far one run comes cannot be seen through the API. */
const PER_SECOND = 200;
let postgres: TestDatabase;
let database: Database;
let module: TestingModule;
beforeAll(async () => {
  postgres = await createDatabase();
  const config = testConfig({
    DATABASE_URL: postgres.url,
    REDIS_URL: process.env.REDIS_URL ?? '',
    ROLES: 'api',
    DIGESTS_PER_SECOND: String(PER_SECOND),
  });
  database = new Database(config);
  module = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(Database)
    .useValue(database)
    .compile();
});
afterAll(async () => {
  await module.close();
  await database.onApplicationShutdown();
  await postgres.drop();
});
beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  await postgres.query('TRUNCATE digest_definition, digest_plan, digest_run');
  const budget = new WorkBudget(module.get(BudgetStore), 'digests', PER_SECOND);
  await eventually('all that a second allows is there', async () => {
    const granted = await budget.take(PER_SECOND);
    await budget.giveBack(granted);
    return granted === PER_SECOND;
  });
});
afterEach(() =>
  postgres.query(
    'DROP TRIGGER IF EXISTS refuses ON digest_run; DROP TRIGGER IF EXISTS refuses ON digest_plan',
  ),
);

const BODY = {
  types: [],
  categories: ['promo'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 3,
  order: 'newest',
  group: 'none',
  optIn: false,
};
/** A digest of so many users; `due`: when it is due for them. */
const digest = async (name: string, users: number, due = 'now()') => {
  await postgres.query(
    `INSERT INTO digest_definition (name, body, categories, opt_in, changed_in) VALUES ($1, $2, '{promo}', false, 0)`,
    [name, JSON.stringify(BODY)],
  );
  await postgres.query(
    `INSERT INTO digest_plan (user_id, digest, next_run_at, last_date, after_offset, bucket)
     SELECT $1 || n, $1, ${due}, (now()::date - 3)::text, 0, bucket_of($1 || n) FROM generate_series(1, $2::int) n`,
    [name, users],
  );
};
const count = async (table: string, condition: string) =>
  (
    await postgres.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table} WHERE ${condition}`)
  )[0]?.count;
const made = (name: string) => count('digest_run', `digest = '${name}'`);
const unplanned = (name: string) => count('digest_plan', `digest = '${name}' AND next_run_at = '-infinity'`);

/** A statement that writes more than so many rows of a digest `broken…` fails so. */
const refuse = (act: 'INSERT ON digest_run' | 'UPDATE ON digest_plan', most: number, code: string) =>
  postgres.query(
    `CREATE OR REPLACE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF (SELECT count(*) FROM written WHERE starts_with(digest, 'broken')) > ${most} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '${code}'; END IF;
       RETURN NULL;
     END $$;
     CREATE TRIGGER refuses AFTER ${act} REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuses()`,
  );
const TOO_LONG = '57014';
const SHUTDOWN = '57P01';

const makeDue = () => module.get(DigestWorker).runOnce();
const plan = () => module.get(DigestPlannerWorker).runOnce();

test('a small digest beside a large one, which takes all that a second allows, is through with its first run', async () => {
  await digest('large', 1_000);
  await digest('small', 50);
  await makeDue();
  expect(await made('small')).toBe(50);
  expect(await made('large')).toBeLessThan(1_000);
  expect(await made('large')).toBeGreaterThanOrEqual(100);
});

describe('a digest that takes too long', () => {
  test('holds up no other one, and is made in smaller slices', async () => {
    await digest('broken', 60);
    await digest('well', 50);
    await refuse('INSERT ON digest_run', 10, TOO_LONG);
    await makeDue();
    expect(await made('well')).toBe(50);
    expect(await made('broken')).toBe(0);
    await eventually('it is made', async () => {
      await makeDue();
      return (await made('broken')) === 60;
    });
  });

  test('is planned in smaller slices, and the others are planned meanwhile', async () => {
    await digest('broken', 1_000, `'-infinity'`);
    await digest('well', 50, `'-infinity'`);
    await refuse('UPDATE ON digest_plan', 200, TOO_LONG);
    await plan();
    expect([await unplanned('well'), await unplanned('broken')]).toEqual([0, 1_000]);
    for (let run = 0; run < 3; run += 1) await plan();
    expect(await unplanned('broken')).toBe(0);
  });

  test('for its users one by one is put off for the first of them', async () => {
    await digest('broken', 2);
    await refuse('INSERT ON digest_run', 0, TOO_LONG);
    await eventually('it is put off', async () => {
      await makeDue();
      return (
        (await count('digest_plan', `digest = 'broken' AND next_run_at > now() + interval '50 minutes'`)) ===
        2
      );
    });
    expect(await made('broken')).toBe(0);
  });
});

test('an outage of PostgreSQL ends the run of all digests', async () => {
  await digest('broken-by-outage', 60);
  await refuse('INSERT ON digest_run', 10, SHUTDOWN);
  await expect(makeDue()).rejects.toMatchObject({ code: SHUTDOWN });
  await postgres.query(`UPDATE digest_plan SET next_run_at = '-infinity'`);
  await postgres.query('DROP TRIGGER refuses ON digest_run');
  await refuse('UPDATE ON digest_plan', 10, SHUTDOWN);
  await expect(plan()).rejects.toMatchObject({ code: SHUTDOWN });
});
