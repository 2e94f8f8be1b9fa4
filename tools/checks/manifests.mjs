/*
 * A gate of `npm run check`: every YAML of the deployment is YAML, and every Kubernetes object is what its kind may be, by the
 * types that are generated from Kubernetes' own OpenAPI (`kubernetes-types`): the compiler checks each object as if it were
 * written in TypeScript, so a misspelt or misplaced field is an error. What the objects say is `test/deploy`'s matter.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { project } from '../places.mjs';

/** Where the types of an apiVersion are. Kinds of others (kustomize, the Gateway API) are checked as YAML only. */
const modules = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'autoscaling/v2': 'autoscaling/v2',
  'batch/v1': 'batch/v1',
  'networking.k8s.io/v1': 'networking/v1',
  'policy/v1': 'policy/v1',
};

const files = [
  'docker-compose.yml',
  ...readdirSync(join(project, 'deploy'), { recursive: true })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join('deploy', name)),
];

const faults = [];
const objects = files.flatMap((file) => read(file).map((object) => ({ file, object })));
const typed = objects.filter(({ object }) => object?.apiVersion in modules);
if (typed.length === 0) faults.push('no Kubernetes object was found');
faults.push(...misfits(typed));
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function read(file) {
  const documents = parseAllDocuments(readFileSync(join(project, file), 'utf8'), { merge: true });
  return documents.map((document) => {
    for (const problem of [...document.errors, ...document.warnings])
      faults.push(`${file}: ${problem.message}`);
    return document.errors.length === 0 ? document.toJS() : undefined;
  });
}

/** What the compiler has to say about the objects, by file and kind. */
function misfits(all) {
  const name = join(project, 'deploy', 'manifests.virtual.ts');
  const text = all.map(({ object }, index) => constant(object, index)).join('\n');
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
  };
  const settings = {
    ...options,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(settings);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => path === name || fileExists(path);
  host.readFile = (path) => (path === name ? text : readFile(path));
  host.getSourceFile = (path, ...more) =>
    path === name ? ts.createSourceFile(path, text, ...more) : getSourceFile(path, ...more);
  const program = ts.createProgram([name], settings, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const line = text.slice(0, diagnostic.start).split('\n').length - 1;
    const { file, object } = all[line] ?? {};
    const said = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
    return `${file && relative('.', file)}, ${object?.kind} ${object?.metadata?.name}: ${said}`;
  });
}

/** A line for each object. */
function constant(object, index) {
  const type = `import('kubernetes-types/${modules[object.apiVersion]}').${object.kind}`;
  return `export const object${index}: ${type} = ${JSON.stringify(object)};`;
}
