import { ConsistencyChecker } from '../consistency-checker.js';
import { ReconnectingDevice } from './reconnecting-device.js';
import type { TestUsher } from './usher.js';

const RECOVERY_MS = 20_000;

/** Users `u0`, `u1` … with two devices each, spread over the nodes, and the checker of their events. */
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

  /** Publishes so many events to every user through the given nodes; requests may fail. */
  async publish(rounds: number, nodes: readonly TestUsher[]): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        Array.from({ length: this.users }, async (_, n) => {
          const node = nodes[n % nodes.length] as TestUsher;
          await this.checker.publish(node.backOffice, `u${n}`, n % 2 === 0 ? 'critical' : 'important');
        }),
      );
    }
  }

  /** Waits until every device applied the events of its user, once and in order, and nothing else. */
  expectConsistent(): Promise<void> {
    return this.checker.expectConsistent(this.devices, RECOVERY_MS);
  }
}
