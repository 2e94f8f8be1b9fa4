import { Context, type Emitter, Liquid, type Template, toValueSync } from 'liquidjs';
import { MAX_SOURCE, type TemplateFault } from '../template.js';

/**
 * Texts, outputs and tags that one text may go through: a tenth of a second, on a machine that has nothing else to do. They are counted, since on
 * a busy machine any limit of time ends good templates too.
 */
const MAX_STEPS = 100_000;
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
  });
  for (const tag of Object.keys(liquid.tags)) if (!TAGS.has(tag)) delete liquid.tags[tag];
  for (const filter of Object.keys(liquid.filters)) if (!FILTERS.has(filter)) delete liquid.filters[filter];
  return liquid;
}

/** Parses a text. Throws an Error that says what is wrong with it, and in which line. */
export const parseText = (source: string, syntax: Syntax): ParsedText => ({
  syntax,
  templates: ENGINES[syntax].parse(source),
});

/** Prints a text with data that fits its schema. Throws an Error when it takes too many steps, or prints more than `max` characters. */
export function renderText({ syntax, templates }: ParsedText, data: object, max: number): string {
  const liquid = ENGINES[syntax];
  const emitter = new BoundedEmitter(max);
  // liquidjs asks this before each step; its own one compares the time.
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

class StepLimit {
  private steps = 0;

  check(): void {
    this.steps += 1;
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
