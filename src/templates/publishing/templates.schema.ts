import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';
import { locale } from '../../platform/locale.schema.js';
import { DATA_TYPES, type DataNode, MAX_SOURCE, TEMPLATE_CHANNELS } from '../template.js';

const MAX_LOCALES = 100;
const MAX_PROPERTIES = 100;

/** A template's name. The words of an event are in the template that is named as its type. */
export const templateName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/i, { error: 'must be dotted words, as promo.started' })
  .meta({ description: 'A template, as `promo.started`', examples: ['trial.started'] });
/** A version of a template. */
export const templateVersion = z.int().min(1).max(2_147_483_647);
/** The same in a path. */
export const versionInPath = z.coerce
  .number()
  .pipe(templateVersion)
  .meta({ description: 'A version of the template', examples: [1] });

const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);
const propertyName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/i, { error: 'must be letters, digits and _' });
const size = z.int().min(0).max(100_000).optional();

/** The part of JSON schema that says for certain which values are there. */
const dataNode: z.ZodType<DataNode> = z
  .strictObject({
    type: z
      .union([z.enum(DATA_TYPES), z.tuple([z.enum(DATA_TYPES), z.literal('null')])])
      .describe('With `null` as the second it may be null, which prints nothing'),
    description: z.string().max(1_000).optional(),
    properties: z
      .record(
        propertyName,
        z.lazy(() => dataNode),
      )
      .refine((all) => Object.keys(all).length <= MAX_PROPERTIES, { error: `at most ${MAX_PROPERTIES}` })
      .optional()
      .describe('Of an object'),
    required: z.array(propertyName).max(MAX_PROPERTIES).optional(),
    items: z
      .lazy(() => dataNode)
      .optional()
      .describe('Of an array'),
    enum: z.array(scalar).min(1).max(100).optional(),
    default: z
      .union([scalar, z.tuple([])])
      .optional()
      .describe('The value of a property that is missing; without one, only required properties can be used'),
    minLength: size,
    maxLength: size,
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    minItems: size,
    maxItems: size,
  })
  .meta({
    id: 'TemplateData',
    description: 'What a value of the data is, by the part of JSON schema that is known here',
  });

/** PostgreSQL's `text` cannot hold U+0000, which a message would have. */
const source = z
  .string()
  .min(1)
  .max(MAX_SOURCE)
  .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, { error: 'must not hold control characters' });
const words = z.strictObject({
  push: z.strictObject({ title: source, body: source }).optional(),
  sms: z.strictObject({ text: source }).optional(),
  email: z
    .strictObject({
      subject: source,
      text: source.describe('For those who read no HTML'),
      mjml: source.optional().describe('Becomes HTML when it is published'),
      html: source.optional(),
    })
    .refine(({ mjml, html }) => mjml === undefined || html === undefined, {
      error: 'takes mjml or html, not both',
    })
    .optional(),
});

const exampleData = { name: 'Ada', days: 7 };
const example = {
  data: {
    type: 'object',
    required: ['name', 'days'],
    properties: { name: { type: 'string' }, days: { type: 'integer' } },
  },
  example: exampleData,
  defaultLocale: 'en',
  locales: {
    en: {
      push: { title: 'A free week', body: 'Hello {{ name }}: {{ days }} days for nothing.' },
      email: {
        subject: '{{ days }} free days',
        text: 'Hello {{ name }}, {{ days }} days for nothing.',
        mjml: '<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ name }}, {{ days }} days for nothing.</mj-text></mj-column></mj-section></mj-body></mjml>',
      },
    },
    de: { push: { title: 'Eine Gratiswoche', body: 'Hallo {{ name }}: {{ days }} Tage geschenkt.' } },
  },
} as const;

const fields = {
  data: dataNode.optional().describe('The schema of the data; left out where Usher fills it in'),
  example: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Data that fits; every text is tried with it, and with the least of it that is required'),
  defaultLocale: locale.default('en').describe('Whose words are used where no nearer ones are'),
  locales: z
    .record(locale, words)
    .refine((all) => Object.keys(all).length <= MAX_LOCALES, { error: `at most ${MAX_LOCALES} languages` })
    .describe('By BCP 47 tag, the words in Liquid'),
};

/** The body of `PUT /v1/templates/{name}`. */
export const newTemplate = z.strictObject(fields).meta({ id: 'NewTemplate', examples: [example] });
export type NewTemplate = z.output<typeof newTemplate>;

/** The body of `PUT /v1/templates/{name}/active`. */
export const activeVersion = z
  .strictObject({ version: templateVersion })
  .meta({ id: 'ActiveTemplateVersion', examples: [{ version: 1 }] });
export type ActiveVersion = z.output<typeof activeVersion>;

/** The body of `POST /v1/templates/{name}/preview`. */
export const previewedTemplate = z
  .strictObject({
    channel: z.enum(TEMPLATE_CHANNELS),
    locale: locale.optional().describe("The reader's language"),
    data: z.record(z.string(), z.unknown()).optional().describe('The example by default'),
    version: templateVersion.optional().describe('The one that is used by default'),
    template: newTemplate.optional().describe('One that is not published'),
  })
  .meta({
    id: 'TemplatePreviewRequest',
    examples: [{ channel: 'push', locale: 'de-CH', data: exampleData }],
  });
export type PreviewedTemplate = z.output<typeof previewedTemplate>;

/** The response of the same. */
export const templatePreview = z
  .object({
    name: templateName,
    version: templateVersion.nullable().describe('Null for one that was not published by the back office'),
    channel: z.enum(TEMPLATE_CHANNELS),
    locale: z.string().describe('Whose words these are'),
    title: z.string().optional(),
    body: z.string().optional(),
    subject: z.string().optional(),
    text: z.string().optional(),
    html: z.string().optional(),
  })
  .meta({ id: 'TemplatePreview', description: 'The words of a template' });

const schemaOfData = z.record(z.string(), z.unknown()).describe('The schema of the data');
const version = templateVersion.nullable().describe('Null for one that Usher brings along');
/** The response of `PUT` and `GET /v1/templates/{name}` and of one version. */
export const templateResponse = z
  .object({ name: templateName, version, publishedAt: instant.nullable(), ...fields, data: schemaOfData })
  .meta({ id: 'Template', description: 'A version of a template' });
/** The response of `GET /v1/templates/{name}/versions`. */
export const versionList = z
  .object({
    versions: z.array(z.object({ version: templateVersion, publishedAt: instant, isActive: z.boolean() })),
  })
  .meta({ id: 'TemplateVersions' });
/** The response of `GET /v1/templates`. */
export const templateList = z
  .object({
    templates: z.array(
      z.object({
        name: templateName,
        version,
        publishedAt: instant.nullable(),
        defaultLocale: z.string(),
        locales: z.array(z.string()),
        channels: z.array(z.enum(TEMPLATE_CHANNELS)),
      }),
    ),
  })
  .meta({ id: 'Templates' });
