/** How fast one way to people is: a push provider, mails or texts. */
export interface SendingRate {
  /** As `fcm`, `email` or `sms`. */
  readonly name: string;
  /** Of a push provider: the kinds of push addresses that it serves. */
  readonly addressKinds: readonly string[];
  readonly perSecond: number;
  /** How many wait already. */
  readonly waiting: number;
}

/** Knows how fast people are reached; bound in app.module.ts to what features may not import. */
export interface SendingRates {
  rates(): Promise<SendingRate[]>;
}

/** The token of SendingRates. */
export const SENDING_RATES = Symbol('SENDING_RATES');
