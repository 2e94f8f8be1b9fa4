import { expect, test } from '@jest/globals';
import { changePublication } from './publication.js';

const tables = [
  { name: 'receipt', columns: ['user_id', 'offset'] },
  { name: 'plan', columns: ['plan_id'] },
] as const;

test('a publication is made with the columns that are listed, and no others', () => {
  expect(changePublication(tables, undefined)).toBe(
    'CREATE PUBLICATION usher_warehouse FOR TABLE "receipt" ("user_id", "offset"), "plan" ("plan_id") WITH (publish_via_partition_root = true)',
  );
});

test('it is left alone while it has the same columns, in whatever order', () => {
  const same = [
    { name: 'plan', columns: ['plan_id'] },
    { name: 'receipt', columns: ['offset', 'user_id'] },
  ];
  expect(changePublication(tables, same)).toBeUndefined();
});

test('it is changed when a column more or less is published', () => {
  for (const columns of [['user_id'], ['user_id', 'offset', 'body']])
    expect(changePublication(tables, [{ name: 'receipt', columns }])).toMatch(
      /^ALTER PUBLICATION usher_warehouse SET TABLE /,
    );
});
