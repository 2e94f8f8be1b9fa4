/** A device on a live socket, as the rooms behind it know it. One object a connection, so it can key a WeakMap. */
export interface DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly profileId: string;
  readonly deviceName: string | undefined;
  /** The device says that it carried these events out. */
  applied(eventIds: readonly string[]): void;
}

/** What a command answers: the fields beside `ok: true` of the acknowledgement. */
export type CommandResponse = Readonly<Record<string, unknown>>;

/** Handles one frame that devices send over their sockets; marked with @HandlesDeviceCommand. */
export interface DeviceCommand {
  /** Checks and carries out. Throws Problem with a stable code; whatever else is thrown is told as `internal`. */
  handle(session: DeviceSession, payload: unknown): Promise<CommandResponse>;
}
