/** A connection of a device, as the node that holds it sees it. */
export interface ConnectedDevice {
  readonly deviceId: string;
  readonly nodeId: string;
  readonly transport: 'socket' | 'event-stream';
  /** ISO 8601, by the clock of the node. */
  readonly since: string;
  /** Up to which offset the device was sent everything; null until it has its history. */
  readonly offset: number | null;
  /** Events that it was sent and has not acknowledged. */
  readonly unacknowledged: number;
  /** Bytes that it has not read. */
  readonly unreadBytes: number;
}

/** A user's connections to one node. */
export interface UserConnections {
  readonly userId: string;
  readonly devices: readonly ConnectedDevice[];
}
