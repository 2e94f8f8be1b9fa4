import type { MetricsSnapshot } from '../metrics/merge-metrics.js';

/** What a process tells the primary. The field `usher` says what kind of message it is, and keeps ours apart from those of libraries. */
export type ProcessMessage =
  /** Its event loop runs. Sent again and again. */
  | { readonly usher: 'alive' }
  /** It listens. */
  | { readonly usher: 'ready' }
  /** It wants the metrics of all processes. */
  | { readonly usher: 'scrape' }
  /** Its own metrics, for the primary's round of this number. */
  | { readonly usher: 'metrics'; readonly round: number; readonly metrics: MetricsSnapshot }
  | BroadcastMessage;

/** Something for the other processes; the primary passes it on. `topic`: for whom in them. */
export interface BroadcastMessage {
  readonly usher: 'broadcast';
  readonly topic: string;
  readonly body: unknown;
}

/** What the primary tells a process. */
export type PrimaryMessage =
  /** All processes have been ready once. */
  | { readonly usher: 'all-ready' }
  /** It wants the metrics of this process. */
  | { readonly usher: 'collect'; readonly round: number }
  /** The metrics of all processes, in Prometheus' text format. */
  | { readonly usher: 'scraped'; readonly text: string }
  | BroadcastMessage;

/** Node's own messages and those of libraries come by the same channel. */
const isOurs = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'usher' in message;

/** Returns the message if it is one of Usher's processes. */
export const asProcessMessage = (message: unknown): ProcessMessage | undefined =>
  isOurs(message) ? (message as ProcessMessage) : undefined;

/** Returns the message if it is one of Usher's primary. */
export const asPrimaryMessage = (message: unknown): PrimaryMessage | undefined =>
  isOurs(message) ? (message as PrimaryMessage) : undefined;
