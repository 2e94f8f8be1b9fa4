import { Topic } from '../../platform/events/topic.js';
import type { StopReason } from '../stream.js';

/** CONTRACT §6. */
export interface StreamStop {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly reason: StopReason;
  readonly version: number;
}

export interface EntitlementChanged {
  readonly userId: string;
  readonly version: number;
  readonly streaming: boolean;
}

type Told =
  | { readonly type: 'stream.stop'; readonly data: StreamStop }
  | { readonly type: 'entitlement.changed'; readonly data: EntitlementChanged };

/** What an edge node must learn. Of one node's notices with the same key only the newest matters. */
export type EdgeNotice = Told & { readonly id: string; readonly edgeId: string; readonly key: string };

/** What one commit has to tell: notices that are kept until they are acknowledged, and what every edge node may hear once. */
export interface EdgeBroadcast {
  readonly notices: readonly EdgeNotice[];
  readonly everyone?: EntitlementChanged | undefined;
}

/** Published on every node, whichever node committed it. */
export const edgeBroadcast = new Topic<EdgeBroadcast>('streams.edge_broadcast');

export const noticeKey = (told: Told): string =>
  told.type === 'stream.stop' ? `stream:${told.data.streamId}` : `entitlement:${told.data.userId}`;

export const edgeNotice = (id: string, edgeId: string, told: Told): EdgeNotice => ({
  ...told,
  id,
  edgeId,
  key: noticeKey(told),
});
