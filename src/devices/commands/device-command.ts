/** A device with a live connection, as the handlers of its frames see it. One object a connection, so it can key a WeakMap. */
export interface DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly profileId: string;
  /** What people call it; a command may change it. */
  deviceName: string | undefined;
  /** The device reported that it applied these events. */
  applied(eventIds: readonly string[]): void;
}

/** The fields of the acknowledgement beside `ok: true`. */
export type CommandResponse = Readonly<Record<string, unknown>>;

/** Handles one frame that devices send over their connections; marked with @HandlesDeviceCommand. */
export interface DeviceCommand {
  /** Validates the payload and executes it. Throws Problem with a stable code; any other error is acknowledged as `internal`. */
  handle(session: DeviceSession, payload: unknown): Promise<CommandResponse>;
}
