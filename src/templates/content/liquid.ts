import { Context, defaultOperators, type Emitter, Liquid, type Template, toValueSync } from 'liquidjs';
import { MAX_SOURCE, type TemplateFault } from '../template.js';

/**
 * What one text may take, in steps of about a microsecond: each text, output and tag that it goes through, each condition of a tag, each operator and
 * filter. They are counted, since on a busy machine any limit of time ends good templates too.
 */
const MAX_STEPS = 20_000;
/** So many characters of a value that an operator or a filter looks at are one more step. */
const CHARACTERS_OF_A_STEP = 100;
/** Elements and characters that filters and ranges may make, as liquidjs counts them. */
const MEMORY = 500_000;

/** No tag reads another template or file, so that nothing recurses; none prints what is not escaped (`cycle`, `echo`), or counts for ever. */
const TAGS = new Set(['assign', 'break', 'case', 'comment', 'continue', 'for', 'if', 'raw', 'unless', '#']);
/** None turns escaping off, or takes a pattern. */
const FILTERS = new Set([
  'abs', 'append', 'at_least', 'at_most', 'capitalize', 'ceil', 'date', 'default', 'divided_by', 'downcase', 'floor', 'join', 'minus',
  'modulo', 'plus', 'prepend', 'remove', 'replace', 'round', 'size', 'slice', 'strip', 'times', 'truncate', 'truncatewords', 'upcase',
  'url_encode',
]); // prettier-ignore

/** What is printed into. */
export type Syntax = 'text' | 'html';

/** A text that was parsed. */
export interface ParsedText {
  readonly syntax: Syntax;
  readonly templates: readonly Template[];
}

const ENGINES: Readonly<Record<Syntax, Liquid>> = {
  text: engine(toText),
  html: engine((value) => escapeHtml(toText(value))),
};

function engine(outputEscape: (value: unknown) => string): Liquid {
  const liquid = new Liquid({
    outputEscape,
    // There is no file behind any name.
    templates: {},
    relativeReference: false,
    dynamicPartials: false,
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    timezoneOffset: 0,
    locale: 'en-US',
    parseLimit: MAX_SOURCE,
    memoryLimit: MEMORY,
    operators: Object.fromEntries(
      Object.entries(defaultOperators).map(([name, operator]) => [name, countedOperator(operator)]),
    ),
  });
  for (const [name, tag] of Object.entries(liquid.tags))
    if (TAGS.has(name)) liquid.tags[name] = countedTag(tag);
    else delete liquid.tags[name];
  for (const [name, filter] of Object.entries(liquid.filters))
    if (FILTERS.has(name) && typeof filter === 'function')
      liquid.filters[name] = countedFilter(filter as Filter);
    else delete liquid.filters[name];
  return liquid;
}

/** liquidjs counts a tag once, however many conditions it tries. */
function countedTag(tag: TagClass): TagClass {
  class Counted extends (tag as unknown as new (...given: unknown[]) => Template) {
    private readonly values = [...(this.arguments?.() ?? [])].length;

    override render(context: Context, emitter: Emitter): unknown {
      stepsOf(context).use(this.values);
      return super.render(context, emitter);
    }
  }
  return Counted as unknown as TagClass;
}
type TagClass = Liquid['tags'][string];

type Operator = (typeof defaultOperators)[string];

/** The last argument of an operator is the context. */
function countedOperator(operator: Operator): Operator {
  return (...values: [unknown, unknown, Context]) => {
    const steps = stepsOf(values.at(-1) as Context);
    for (const value of values.slice(0, -1)) steps.useFor(value);
    return operator(...values) as boolean;
  };
}

function countedFilter(filter: Filter): Filter {
  return function counted(value, ...options) {
    stepsOf(this.context).useFor(value);
    return filter.call(this, value, ...options);
  };
}
type Filter = (this: { readonly context: Context }, value: unknown, ...options: unknown[]) => unknown;

/** Parses a text. Throws an Error that says what is wrong with it, and in which line. */
export const parseText = (source: string, syntax: Syntax): ParsedText => ({
  syntax,
  templates: ENGINES[syntax].parse(source),
});

/** Prints a text with data that fits its schema. Throws an Error when it takes too many steps, or prints more than `max` characters. */
export function renderText({ syntax, templates }: ParsedText, data: object, max: number): string {
  const liquid = ENGINES[syntax];
  const emitter = new BoundedEmitter(max);
  // liquidjs asks this before each text, output and tag; its own one compares the time. Should another version ask otherwise, the loops of
  // templates.spec.ts would not end.
  const renderLimit = new StepLimit() as unknown as Context['renderLimit'];
  const context = new Context(data, liquid.options, { sync: true }, { renderLimit });
  toValueSync(liquid.renderer.renderTemplates([...templates], context, emitter));
  return emitter.buffer;
}

/** Returns what liquidjs says of a fault, and the line of the text where it is. */
export function faultOf(at: string, error: unknown): TemplateFault {
  const [, message = '', line] =
    /^(.*?)(?:, line:(\d+), col:\d+)?$/m.exec(String((error as Error).message ?? error)) ?? [];
  return { at: line === undefined ? at : `${at}:${line}`, message };
}

const stepsOf = (context: Context): StepLimit => context.renderLimit as unknown as StepLimit;

class StepLimit {
  private steps = 0;

  /** As liquidjs calls it. */
  check(): void {
    this.use(1);
  }

  /** Takes the steps that it costs to look at a value: an array's elements count one each. */
  useFor(value: unknown): void {
    if (typeof value === 'string') this.use(1 + value.length / CHARACTERS_OF_A_STEP);
    else this.use(Array.isArray(value) ? 1 + value.length : 1);
  }

  use(steps: number): void {
    this.steps += steps;
    if (this.steps > MAX_STEPS) throw new Error(`takes more than ${MAX_STEPS} steps`);
  }
}

class BoundedEmitter implements Emitter {
  buffer = '';

  constructor(private readonly max: number) {}

  write(text: unknown): void {
    this.buffer += String(text);
    if (this.buffer.length > this.max) throw new Error(`prints more than ${this.max} characters`);
  }
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error('only a text, a number or a boolean can be printed');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
