import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import type { ConnectedDevice } from './lookup/connected-device.js';
import type { AppliedReport, DisconnectRequest } from './node-message.js';

/** What recovery needs of a node with sockets. */
export interface RecoverableNode {
  /** The ids of the users who have a device here. */
  users(): Iterable<string>;
  /** The ids of the user's devices that are connected here. */
  connectedDevices(userId: string): string[];
  /** Reads the mailbox for each device of these users that is behind it. Throws when the mailboxes cannot be read. */
  fillGaps(userIds: readonly string[]): Promise<void>;
}

/** What a node with sockets implements for the others, and for the case that they cannot reach it. */
export interface LocalNode extends RecoverableNode {
  /** Delivers events from other nodes to the devices that are connected here. */
  deliver(events: readonly OutgoingEvent[]): void;
  /** Disconnects a device, or all of a user, if connected here. */
  disconnect(request: DisconnectRequest): void;
  /** The device has applied events: they are not sent to it again, if it is connected here. */
  markApplied(report: AppliedReport): void;
  /** The log of broadcasts has changed: reads it soon. */
  refreshBroadcasts(): void;
  /** The user's connections to this node. */
  describeConnections(userId: string): readonly Omit<ConnectedDevice, 'nodeId'>[];
}
