/*
 * What CONTRIBUTING.md asks of every file of src and no other tool checks: exported types have unique names, exported things have a doc comment, a
 * class is named as its file with Nest's suffix, no folder has more than 15 files, and what people change is told by the audit.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import ts from 'typescript';
import { project } from '../places.mjs';

const MAX_FILES_IN_A_FOLDER = 15;
/** Suffixes whose file exports one class, named as the file: `sweep.worker.ts` exports SweepWorker. */
const CLASS_SUFFIXES =
  /\.(service|worker|store|controller|gateway|module|provider|processor|client|transport|guard|interceptor|filter|adapter|command)\.ts$/;
const sources = join(project, 'src');

function* foldersBelow(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  yield { folder, files: entries.filter((entry) => entry.isFile()).map(({ name }) => name) };
  for (const entry of entries)
    if (entry.isDirectory() && entry.name !== 'generated') yield* foldersBelow(join(folder, entry.name));
}

/** The declarations that a file exports by name: [{ name, node, kind }]. */
function exportsOf(file) {
  return file.statements
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword))
    .flatMap((node) => {
      if (!ts.isVariableStatement(node))
        return node.name ? [{ name: node.name.text, node, kind: kindOf(node) }] : [];
      return node.declarationList.declarations
        .filter(({ name }) => ts.isIdentifier(name))
        .map(({ name }) => ({ name: name.text, node, kind: 'constant' }));
    });
}

function kindOf(node) {
  if (ts.isClassDeclaration(node)) return 'class';
  return ts.isFunctionDeclaration(node) ? 'function' : 'type';
}

const pascal = (text) => text.replace(/(?:^|[-.])(\w)/g, (_, letter) => letter.toUpperCase());
const words = (name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
const hasDocComment = (node, text) => /\/\*\*[^]*\*\/\s*$/.test(text.slice(node.pos, node.getStart()));
/** A type inferred from the schema above it, or an infrastructure class that its suffix explains, needs no words of its own. */
const explainsItself = ({ name, node, kind }, path) =>
  (kind === 'type' && /z\.(infer|output|input)</.test(node.getText())) ||
  path.endsWith('.module.ts') ||
  (path.endsWith('.schema.ts') && kind === 'constant') ||
  (path.endsWith('.controller.ts') && kind === 'class') ||
  name === 'CONFIG';

/** Every source file of src: { path, name, text, found } with what it exports. */
function* filesOfTheHouse() {
  for (const { folder, files } of foldersBelow(sources)) {
    for (const name of files.filter((one) => one.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(one))) {
      const path = relative(sources, join(folder, name));
      const text = readFileSync(join(folder, name), 'utf8');
      yield {
        path,
        name,
        text,
        found: exportsOf(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)),
      };
    }
  }
}

const crowdedFolders = () =>
  [...foldersBelow(sources)]
    .filter(({ files }) => files.length > MAX_FILES_IN_A_FOLDER)
    .map(
      ({ folder, files }) =>
        `src/${relative(sources, folder)} has ${files.length} files: group them in folders`,
    );

function misnamed({ path, name, found }) {
  const classes = found.filter(({ kind }) => kind === 'class');
  const wanted = pascal(basename(name, '.ts'));
  const isFine =
    !CLASS_SUFFIXES.test(name) ||
    classes.length === 0 ||
    classes.some((one) => words(one.name) === words(wanted));
  return isFine ? [] : [`src/${path} exports no class ${wanted}`];
}

const undocumented = ({ path, text, found }) =>
  found
    .filter((one) => !hasDocComment(one.node, text) && !explainsItself(one, path))
    .map(({ name }) => `src/${path}: ${name} has no doc comment`);

function exportedTwice(files) {
  const types = new Map();
  for (const { path, found } of files)
    for (const { name, kind } of found)
      if (kind === 'type' || kind === 'class') types.set(name, [...(types.get(name) ?? []), `src/${path}`]);
  return [...types].flatMap(([name, paths]) =>
    paths.length > 1 ? [`the type ${name} is exported by ${paths.join(' and ')}`] : [],
  );
}

const PEOPLES_SCOPES = /^'(read|support|operate|admin)'$/;
const WRITES = ['Post', 'Put', 'Patch', 'Delete'];
/** They only ask, and are a POST because their question has a body. */
const QUESTIONS = new Set([
  'audiences/audiences.controller.ts estimate',
  'campaigns/preview/campaign-preview.controller.ts dryRun',
  'campaigns/preview/campaign-preview.controller.ts preview',
  'membership/plans/plans.controller.ts preview',
  'templates/publishing/templates.controller.ts preview',
]);

/** The arguments of each decorator of a class or method, by its name. */
const decoratorsOf = (node) =>
  new Map(
    (ts.getDecorators(node) ?? [])
      .map(({ expression }) => expression)
      .filter(ts.isCallExpression)
      .map((call) => [call.expression.getText(), call.arguments.map((one) => one.getText()).join()]),
  );

/** Calls by which people change something, and of which the audit tells nothing. */
const untold = ({ path, found }) =>
  found
    .filter(({ kind }) => kind === 'class' && path.endsWith('.controller.ts'))
    .flatMap(({ node }) => {
      const ofClass = decoratorsOf(node).get('NeedsScope');
      return node.members.filter(ts.isMethodDeclaration).flatMap((method) => {
        const decorators = decoratorsOf(method);
        const isWrite = WRITES.some((one) => decorators.has(one));
        const isOfPeople = PEOPLES_SCOPES.test(decorators.get('NeedsScope') ?? ofClass ?? '');
        const isQuestion = QUESTIONS.has(`${path} ${method.name.getText()}`);
        return isWrite && isOfPeople && !isQuestion && !decorators.has('Audited')
          ? [`src/${path}: ${method.name.getText()} changes something for people and is not @Audited()`]
          : [];
      });
    });

/** Returns a sentence for each fault. */
export function faultsOfTheHouse() {
  const files = [...filesOfTheHouse()];
  return [
    ...crowdedFolders(),
    ...exportedTwice(files),
    ...files.flatMap((file) => misnamed(file).concat(undocumented(file), untold(file))),
  ];
}

if (process.argv[1] === import.meta.filename) {
  const faults = faultsOfTheHouse();
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
