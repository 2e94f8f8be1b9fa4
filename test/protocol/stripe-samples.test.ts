import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Stripe from 'stripe';
import ts from 'typescript';
import {
  type StripeEvent,
  type StripeEventType,
  stripeWebhooks,
} from '../support/drivers/stripe-webhooks.js';

const SAMPLES = new URL('../../src/demo/stripe/samples/', import.meta.url);
const names = readdirSync(SAMPLES).sort();
const read = (name: string): string => readFileSync(new URL(name, SAMPLES), 'utf8');

/** Returns the name of an event's type in Stripe's library: CustomerSubscriptionCreatedEvent for `customer.subscription.created`. */
const typeOf = (name: StripeEventType): string =>
  `${name
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Event`;

/** In JSON a decimal is a string; everything else has the library's types. */
const proofOf = (events: readonly string[]): string => `import Stripe from 'stripe';
type Wire<T> = T extends Stripe.Decimal ? string
  : T extends readonly (infer Item)[] ? Wire<Item>[]
  : T extends object ? { [Name in keyof T]: Wire<T[Name]> }
  : T;
${events.map((json, n) => `export const event${n}: Wire<Stripe.${typeOf((JSON.parse(json) as StripeEvent).type)}> = ${json};`).join('\n')}
`;

/** The library's types, parsed once for all compilations. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Compiles the text as a file in this folder. Returns the compiler's errors. */
function compile(text: string): string[] {
  const file = fileURLToPath(new URL('./stripe-proof.ts', import.meta.url));
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) => {
    if (name === file) return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...rest));
    return parsed.get(name);
  };
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(
      ({ messageText, start = 0 }) =>
        `${text.slice(start, start + 60)}… ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

describe("the samples of Stripe's events", () => {
  it("have the complete types of Stripe's own library", () => {
    expect(compile(proofOf(names.map(read)))).toEqual([]);
  });

  it('keep those types when a test builds an event from them', () => {
    const driver = stripeWebhooks('http://localhost', 'whsec_unused');
    const built = names.map((name) =>
      driver.event(name.replace('.json', '') as StripeEventType, {
        id: 'sub_1',
        userId: 'ada',
        customer: 'cus_1',
        price: 'price_1',
        status: 'past_due',
      }),
    );
    expect(compile(proofOf(built.map((event) => JSON.stringify(event))))).toEqual([]);
  });

  it('would not compile without one of their fields', () => {
    expect(
      compile(proofOf(names.map(read)).replace('"current_period_end":', '"current_period_and":')),
    ).not.toEqual([]);
  });

  it.each(names)('%s has the API version of the library and is named after its type', (name) => {
    expect(JSON.parse(read(name))).toMatchObject({
      object: 'event',
      api_version: Stripe.API_VERSION,
      type: name.replace('.json', ''),
    });
  });
});
