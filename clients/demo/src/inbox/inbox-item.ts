/** A mail that came in, as POST /dev/inbox returns it. */
export interface InboxMail {
  readonly kind: 'mail';
  readonly id: string;
  readonly from: string;
  readonly at: string;
  readonly subject: string;
  readonly text: string;
  readonly hasHtml: boolean;
}

/** A text that came in. */
export interface InboxText {
  readonly kind: 'text';
  readonly id: string;
  readonly from: string;
  readonly at: string;
  readonly text: string;
}

export type InboxItem = InboxMail | InboxText;

/** The response of POST /dev/inbox. */
export interface InboxContent {
  /** What time the clock of digests shows. */
  readonly now: string;
  /** The user's mail address and number. */
  readonly addresses: readonly string[];
  /** The newest first. */
  readonly items: readonly InboxItem[];
}
