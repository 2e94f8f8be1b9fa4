import { Topic } from '../../platform/events/topic.js';
import type { StopReason } from '../stream.js';

/**
 * The data of the frame `stream.stop` (docs/CONTRACT.md, "The edge socket"). `version` is the membership's when the
 * stream was stopped.
 */
export interface StreamStop {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly reason: StopReason;
  readonly version: number;
}

/** The data of the frame `entitlement.changed` (docs/CONTRACT.md, "The edge socket"). */
export interface EntitlementChanged {
  readonly userId: string;
  readonly version: number;
  readonly streaming: boolean;
}

type EdgeFrame =
  | { readonly type: 'stream.stop'; readonly data: StreamStop }
  | { readonly type: 'entitlement.changed'; readonly data: EntitlementChanged };

/** A frame for one edge node. Of an edge node's notices with the same key only the newest matters. */
export type EdgeNotice = EdgeFrame & { readonly id: string; readonly edgeId: string; readonly key: string };

/** What one commit means for the edge nodes. Sent as JSON between nodes: the field names are part of that format. */
export interface EdgeBroadcast {
  /** Stored, and sent again until they are acknowledged. */
  readonly notices: readonly EdgeNotice[];
  /** Sent to every edge node that is connected now, and not stored. */
  readonly everyone?: EntitlementChanged | undefined;
}

/** Published on every node after the commit, whichever node committed. */
export const edgeBroadcast = new Topic<EdgeBroadcast>('streams.edge_broadcast');

/** A notice of this frame for the edge node; its key is the stream's or the user's. */
export const edgeNotice = (id: string, edgeId: string, frame: EdgeFrame): EdgeNotice => ({
  ...frame,
  id,
  edgeId,
  key: frame.type === 'stream.stop' ? `stream:${frame.data.streamId}` : `entitlement:${frame.data.userId}`,
});
