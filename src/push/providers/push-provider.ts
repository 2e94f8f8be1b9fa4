/** Where a device can be reached while it sleeps, as its app registered it. */
export type PushAddress =
  | { readonly kind: 'apns' | 'fcm_token' | 'fcm_fid'; readonly address: string }
  | {
      readonly kind: 'webpush';
      /** The subscription's endpoint. */
      readonly address: string;
      readonly keys: { readonly p256dh: string; readonly auth: string };
    };

/** What a sleeping device is told, in no vendor's words. It carries ids, never secrets. */
export interface PushMessage {
  readonly to: PushAddress;
  /** `background` wakes the app without showing anything. */
  readonly show: { readonly title: string; readonly body: string } | 'background';
  /** Strings only, since two of three vendors take nothing else; below 3 KB together. */
  readonly data: Readonly<Record<string, string>>;
  /** What it replaces on the device, at most 64 bytes. */
  readonly collapseId?: string;
  readonly urgency: 'high' | 'normal';
  /** The vendor need not keep it longer. */
  readonly expiresAt?: Date;
  readonly badge?: number;
}

/** What a vendor said of one message; whoever sends must exhaust it. */
export type SendResult =
  | { readonly is: 'delivered' }
  /** The vendor may take it later; when, if it said so. */
  | { readonly is: 'again'; readonly afterMs: number | undefined; readonly reason: string }
  /** The address is dead, since then if the vendor said so: one that was registered later may live. */
  | { readonly is: 'gone'; readonly since: Date | undefined; readonly reason: string }
  /** Our credentials or settings are wrong: an alarm, and no fault of the device. */
  | { readonly is: 'our_fault'; readonly reason: string }
  /** The message can never be taken, as one that is too large. */
  | { readonly is: 'sender_fault'; readonly reason: string };

/**
 * A way to devices that sleep. Promises: `send` never throws and answers within its deadline (an answer that does not come is
 * `again`); connections are long-lived, and `close` ends them.
 */
export interface PushProvider {
  readonly name: 'apns' | 'fcm' | 'webpush';
  /** Whether it has what it needs to send. */
  readonly configured: boolean;
  send(message: PushMessage): Promise<SendResult>;
  close(): Promise<void>;
}
