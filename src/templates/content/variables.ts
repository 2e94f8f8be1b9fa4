import {
  AssignTag,
  CaseTag,
  ForTag,
  Output,
  type PropertyAccessToken,
  type Template,
  toValueSync,
  TypeGuards,
  Value,
} from 'liquidjs';
import type { DataNode, TemplateFault } from '../template.js';
import { isCertain, isNullable, typeOf } from './data-schema.js';
import type { ParsedText } from './liquid.js';

/** Filters, and operators and operands, of one value. */
const MAX_FILTERS = 20;
const MAX_OPERANDS = 50;
/** Variables that one text assigns. */
const MAX_ASSIGNED = 200;

/** The variables that a place in a template can see, and what each is. */
type Scope = ReadonlyMap<string, DataNode>;

const SCALAR: DataNode = { type: 'string' };
const NUMBER: DataNode = { type: 'integer' };
const FORLOOP: DataNode = {
  type: 'object',
  required: ['first', 'last', 'index', 'index0', 'rindex', 'rindex0', 'length'],
  properties: {
    first: { type: 'boolean' }, last: { type: 'boolean' }, index: NUMBER, index0: NUMBER, rindex: NUMBER, rindex0: NUMBER, length: NUMBER,
  },
}; // prettier-ignore

/**
 * Returns a fault for each value that a text uses, in whatever branch or loop, and that the schema does not say is there: a template without
 * faults cannot miss a value, whatever data it gets that fits the schema.
 */
export function faultsOfVariables({ templates }: ParsedText, data: DataNode, at: string): TemplateFault[] {
  const check = new VariablesCheck(at);
  check.visit(templates, new Map(Object.keys(data.properties ?? {}).map((name) => [name, data])), data);
  return check.faults;
}

class VariablesCheck {
  readonly faults: TemplateFault[] = [];
  private readonly assigned = new Set<string>();

  constructor(private readonly at: string) {}

  visit(templates: readonly Template[], outer: Scope, data: DataNode): void {
    // What is assigned within a block may not have been when the block is left.
    const scope = new Map(outer);
    for (const template of templates) {
      const values = [...(template.arguments?.() ?? [])];
      const found = values.flatMap((argument) => this.check(argument, scope, data));
      for (const value of values) if (value instanceof Value) this.checkSize(template, value, scope, data);
      if (template instanceof CaseTag)
        this.mustBeScalar(
          template,
          found.find((one) => one && !isScalar(one)),
          'compared',
        );
      if (template instanceof Output && isPlain(template.value))
        this.mustBeScalar(template, found[0], 'printed');
      if (template instanceof AssignTag) {
        this.mustBeScalar(
          template,
          found.find((one) => one && !isScalar(one)),
          'assigned',
        );
        for (const { content } of template.localScope()) this.assign(template, content, scope);
      }
      const children = childrenOf(template);
      if (template instanceof ForTag) this.visit(children, this.loopScope(template, scope, data), data);
      else if (children.length > 0) this.visit(children, scope, data);
    }
  }

  private assign(template: Template, name: string, scope: Map<string, DataNode>): void {
    this.assigned.add(name);
    if (this.assigned.size <= MAX_ASSIGNED) scope.set(name, SCALAR);
    else this.add(template, `more than ${MAX_ASSIGNED} variables are assigned`);
  }

  /** What one value takes must not depend on its text alone: arrays are looked through in loops, whose steps are counted. */
  private checkSize(template: Template, { initial, filters }: Value, scope: Scope, data: DataNode): void {
    // One filter more than were written: the one that escapes.
    if (filters.length > MAX_FILTERS + 1 || initial.postfix.length > MAX_OPERANDS)
      this.add(template, `has more than ${MAX_FILTERS} filters, or ${MAX_OPERANDS} operators and operands`);
    if (initial.postfix.length <= 1) return;
    const operands = initial.postfix.flatMap((token) => {
      const node = TypeGuards.isPropertyAccessToken(token) ? resolve(token, scope, data) : undefined;
      return typeof node === 'object' ? [node] : [];
    });
    this.mustBeScalar(
      template,
      operands.find((node) => !isScalar(node)),
      'compared (its size can)',
    );
  }

  private loopScope(loop: ForTag, scope: Scope, data: DataNode): Scope {
    const { collection, variable } = loop;
    const inner = new Map(scope).set('forloop', FORLOOP);
    if (TypeGuards.isRangeToken(collection)) return inner.set(variable, NUMBER);
    const array = TypeGuards.isPropertyAccessToken(collection)
      ? resolve(collection, scope, data)
      : 'is no array';
    if (typeof array === 'string') return inner.set(variable, SCALAR);
    if (typeOf(array) === 'array' && array.items) return inner.set(variable, array.items);
    this.add(loop, `${collection.getText()} is no array`);
    return inner.set(variable, SCALAR);
  }

  private check(argument: unknown, scope: Scope, data: DataNode): (DataNode | undefined)[] {
    return tokensOf(argument).map((token) => {
      const found = resolve(token, scope, data);
      if (typeof found !== 'string') return found;
      this.faults.push({
        at: `${this.at}:${token.getPosition()[0]}`,
        message: `${token.getText()} ${found}`,
      });
      return undefined;
    });
  }

  private mustBeScalar(template: Template, node: DataNode | undefined, how: string): void {
    if (node && !isScalar(node)) this.add(template, `an ${typeOf(node)} cannot be ${how}`);
  }

  private add({ token }: Template, message: string): void {
    this.faults.push({ at: `${this.at}:${token.getPosition()[0]}`, message });
  }
}

const childrenOf = (template: Template): Template[] =>
  template.children ? (toValueSync(template.children(false, true)) as Template[]) : [];
const isScalar = (node: DataNode): boolean => typeOf(node) !== 'object' && typeOf(node) !== 'array';
/** Without filters, but for the one that escapes. */
const isPlain = ({ filters }: Value): boolean => filters.length === 1;

/** The variables of an argument of a tag or output: of its value, of the keys in it, and of its filters. */
function tokensOf(argument: unknown): PropertyAccessToken[] {
  if (argument instanceof Value) {
    const ofFilters = argument.filters.flatMap(({ args }) =>
      args.map((one: unknown) => (Array.isArray(one) ? (one[1] as unknown) : one)),
    );
    return [...argument.initial.postfix, ...ofFilters].flatMap(tokensOf);
  }
  if (TypeGuards.isRangeToken(argument)) return [argument.lhs, argument.rhs].flatMap(tokensOf);
  if (!TypeGuards.isPropertyAccessToken(argument)) return [];
  return [argument, ...argument.props.flatMap(tokensOf)];
}

/** Returns what a variable is; a text that says why it may be missing. */
function resolve({ variable, props }: PropertyAccessToken, scope: Scope, data: DataNode): DataNode | string {
  if (variable) return 'is no variable';
  const path = props.map((prop) => (prop as { content?: unknown }).content);
  const [root, ...rest] = path;
  const known = scope.get(String(root));
  if (typeof root !== 'string' || !known) return 'is not in the schema of the data';
  let node = known === data ? propertyOf(data, root) : known;
  for (const name of rest) {
    if (typeof node === 'string') return node;
    if (isNullable(node)) return 'is within a value that may be null';
    node = innerOf(node, name);
  }
  return node;
}

function innerOf(node: DataNode, name: unknown): DataNode | string {
  switch (typeOf(node)) {
    case 'object':
      return typeof name === 'string' ? propertyOf(node, name) : 'is not in the schema of the data';
    case 'array':
      if (name === 'size') return NUMBER;
      if (isThere(node, name) && node.items) return node.items;
      return 'may be missing: the array may be shorter (its minItems)';
    case 'string':
      return name === 'size' ? NUMBER : 'is not in the schema of the data';
    default:
      return 'is not in the schema of the data';
  }
}

function isThere({ minItems = 0 }: DataNode, place: unknown): boolean {
  if (place === 'first' || place === 'last') return minItems > 0;
  return typeof place === 'number' && place >= 0 && place < minItems;
}

function propertyOf(object: DataNode, name: string): DataNode | string {
  const found = Object.hasOwn(object.properties ?? {}, name) ? object.properties?.[name] : undefined;
  if (!found) return 'is not in the schema of the data';
  return isCertain(object, name)
    ? found
    : 'may be missing: require it in the schema of the data, or give it a default';
}
