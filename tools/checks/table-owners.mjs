/*
 * Each table has one owner folder in src, which alone reads and writes it (`/// Owner:` in prisma/schema.prisma). This lists every place
 * where another folder's SQL or Prisma call names it. Other folders include the owner's fragments or call its stores.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { project } from '../places.mjs';

/** One row that many statements need: anybody may read it. */
const readableByAll = new Set(['installation']);
const sources = join(project, 'src');

/** Returns table name → { owner, model }; throws when a model has no owner. */
export function tableOwners(schema = readFileSync(join(project, 'prisma', 'schema.prisma'), 'utf8')) {
  const owners = new Map();
  for (const [, before, model, body] of schema.matchAll(/((?:\/\/\/[^\n]*\n)*)model (\w+) \{([^]*?)\n\}/g)) {
    const owner = /^\/\/\/ Owner: (\S+)$/m.exec(before)?.[1];
    const table = /@@map\("(\w+)"\)/.exec(body)?.[1] ?? model;
    if (!owner)
      throw new Error(`prisma/schema.prisma: the model ${model} names no owner (/// Owner: folder)`);
    owners.set(table, { owner, model: model[0].toLowerCase() + model.slice(1) });
  }
  return owners;
}

/** Returns a sentence for each place where a file of `files` ({ path, text }) names a table of another folder. */
export function trespasses(files, owners = tableOwners()) {
  const tables = [...owners.keys()].join('|');
  const inSql = new RegExp(
    `\\b(?:FROM|JOIN|INTO|UPDATE|USING|TABLE|ONLY)\\s+"?(${tables})"?(?![\\w"(])`,
    'g',
  );
  // In a folder's rules of retention.
  const inRule = new RegExp(`\\btable: '(${tables})'`, 'g');
  const models = new Map([...owners].map(([table, { model }]) => [model, table]));
  const inPrisma = new RegExp(`\\b(?:prisma|tx)\\.(${[...models.keys()].join('|')})\\b`, 'g');
  return files.flatMap(({ path, text }) => {
    const folder = path.split('/')[0];
    const named = [
      ...[...text.matchAll(inSql)].map((match) => ({ at: match.index, table: match[1] })),
      ...[...text.matchAll(inRule)].map((match) => ({ at: match.index, table: match[1] })),
      ...[...text.matchAll(inPrisma)].map((match) => ({ at: match.index, table: models.get(match[1]) })),
    ];
    return named
      .filter(({ table }) => owners.get(table).owner !== folder && !readableByAll.has(table))
      .map(({ at, table }) => {
        const line = text.slice(0, at).split('\n').length;
        return `src/${path}:${line} names the table ${table}, which ${owners.get(table).owner}/ owns`;
      });
  });
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'generated') yield* filesBelow(path);
    } else if (/\.(sql|ts)$/.test(entry.name) && !entry.name.endsWith('.spec.ts')) {
      yield { path: relative(sources, path), text: withoutComments(readFileSync(path, 'utf8')) };
    }
  }
}

/** Keeps the lines where they are. */
const withoutComments = (text) =>
  text.replace(/\/\*[^]*?\*\/|(?<=^|\s)(?:--|\/\/)[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));

/** Prints what is wrong; returns the exit code. */
export function checkTableOwners() {
  const found = trespasses([...filesBelow(sources)]);
  for (const one of found) console.log(one);
  return found.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) process.exitCode = checkTableOwners();
