import { ConsistencyChecker } from '../consistency-checker.js';
import { ReconnectingDevice } from './reconnecting-device.js';
import type { TestUsher } from './usher.js';

const RECOVERY_MS = 20_000;

/** Users `u0`, `u1` … with two devices each, which know all nodes and begin with another one; and what is owed to them. */
export class DeviceFleet {
  readonly devices: readonly ReconnectingDevice[];
  private readonly checker = new ConsistencyChecker();

  constructor(
    private readonly users: number,
    nodes: readonly TestUsher[],
  ) {
    this.devices = Array.from({ length: users }, (_, n) => {
      const order = nodes.map((_node, step) => nodes[(n + step) % nodes.length]?.url as string);
      return [
        new ReconnectingDevice(`u${n}`, `u${n}-tv`, order),
        new ReconnectingDevice(`u${n}`, `u${n}-phone`, [...order].reverse()),
      ];
    }).flat();
  }

  async start(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.start()));
  }

  close(): void {
    for (const device of this.devices) device.close();
  }

  /** Publishes to every user through the given nodes, whatever becomes of it. */
  async publish(rounds: number, doors: readonly TestUsher[]): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        Array.from({ length: this.users }, async (_, n) => {
          const door = doors[n % doors.length] as TestUsher;
          await this.checker.publish(door.backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
        }),
      );
    }
  }

  /** Every device applied what its user is owed, once and in order, and nothing else. */
  expectConsistent(): Promise<void> {
    return this.checker.expectConsistent(this.devices, RECOVERY_MS);
  }
}
