import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import ts from 'typescript';
import { type StripeEvent, type StripeEventType, stripeDriver } from '../support/processor.js';

const SAMPLES = new URL('../../src/demo/stripe/samples/', import.meta.url);
const names = readdirSync(SAMPLES).sort();
const read = (name: string): string => readFileSync(new URL(name, SAMPLES), 'utf8');

/** The type that Stripe's library gives an event: `customer.subscription.created` is CustomerSubscriptionCreatedEvent. */
const typeOf = (name: StripeEventType): string =>
  `${name
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Event`;

/** On the wire a decimal is a string; everything else is as the library's types have it. */
const proofOf = (events: readonly string[]): string => `import Stripe from 'stripe';
type Wire<T> = T extends Stripe.Decimal ? string
  : T extends readonly (infer Item)[] ? Wire<Item>[]
  : T extends object ? { [Name in keyof T]: Wire<T[Name]> }
  : T;
${events.map((json, n) => `export const event${n}: Wire<Stripe.${typeOf((JSON.parse(json) as StripeEvent).type)}> = ${json};`).join('\n')}
`;

/** What the compiler says of a file beside this one that exists only here. */
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
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
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
  it("have the whole shape that Stripe's own library demands of them", () => {
    expect(compile(proofOf(names.map(read)))).toEqual([]);
  });

  it('keep that shape when a test makes its own event of them', () => {
    const driver = stripeDriver('http://localhost', 'whsec_unused');
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

  it('would not pass without one of the fields', () => {
    expect(
      compile(proofOf(names.map(read)).replace('"current_period_end":', '"current_period_and":')),
    ).not.toEqual([]);
  });

  it.each(names)('%s is of the API version that the library speaks, and named for its type', (name) => {
    expect(JSON.parse(read(name))).toMatchObject({
      object: 'event',
      api_version: Stripe.API_VERSION,
      type: name.replace('.json', ''),
    });
  });
});
