/** The ways by which the words of a template reach somebody. */
export const TEMPLATE_CHANNELS = ['push', 'sms', 'email'] as const;
/** One of TEMPLATE_CHANNELS. */
export type TemplateChannel = (typeof TEMPLATE_CHANNELS)[number];

/** Characters of one text of a template. */
export const MAX_SOURCE = 100_000;

/** The types that a value of a template's data can have. */
export const DATA_TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean'] as const;
/** One of DATA_TYPES. */
export type DataType = (typeof DATA_TYPES)[number];

/** A value that is printed as it is. */
export type Scalar = string | number | boolean | null;

/** What one value of a template's data is: the part of JSON schema that says for certain which values are there. */
export interface DataNode {
  /** With `null` as the second: it may be null, which prints nothing. */
  readonly type: DataType | readonly [DataType, 'null'];
  readonly description?: string | undefined;
  readonly properties?: Readonly<Record<string, DataNode>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: DataNode | undefined;
  readonly enum?: readonly Scalar[] | undefined;
  /** The value of a property that is missing. */
  readonly default?: Scalar | readonly [] | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
}

/** The text of a notification. */
export interface NotificationText {
  readonly title: string;
  readonly body: string;
}

/** What a text says. */
export interface TextMessage {
  readonly text: string;
}

/** What a mail says. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html?: string | undefined;
}

/** The words of one language, in Liquid. A mail may have MJML in place of HTML. */
export interface LocaleWords {
  readonly push?: NotificationText | undefined;
  readonly sms?: TextMessage | undefined;
  readonly email?: (MailContent & { readonly mjml?: string | undefined }) | undefined;
}

/** A template as it is written. */
export interface TemplateSource {
  /** An object. */
  readonly data: DataNode;
  /** Data that the template is tried with when it is published. */
  readonly example: Readonly<Record<string, unknown>>;
  readonly defaultLocale: string;
  readonly locales: Readonly<Record<string, LocaleWords>>;
}

/** What is wrong with a template or its data, and where. */
export interface TemplateFault {
  /** As `locales.en.email.subject:3` (the third line of it), or `data.name`. */
  readonly at: string;
  readonly message: string;
}

/** A rendered template. `locale`: whose words these are. */
export type RenderedWords =
  | { readonly channel: 'push'; readonly locale: string; readonly words: NotificationText }
  | { readonly channel: 'sms'; readonly locale: string; readonly words: TextMessage }
  | { readonly channel: 'email'; readonly locale: string; readonly words: MailContent };
