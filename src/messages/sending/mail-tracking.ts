import type { MessageTracking } from '../message.js';

/** A mail whose links and opens are counted. */
export interface TrackedMail extends MessageTracking {
  readonly messageId: string;
  readonly userId: string;
}

/** Counts what people do with mails. Bound in app.module.ts, since it is built on messages. */
export interface MailTracking {
  /** Returns the HTML with links and an image that are counted. */
  trackMail(html: string, mail: TrackedMail): string;
}
/** Injection token of MailTracking. */
export const MAIL_TRACKING = Symbol('MAIL_TRACKING');
