import { eventually } from './eventually.js';
import type { SteadyDevice } from './steady-device.js';
import type { TestUsher } from './usher.js';

const RECOVERY_MS = 20_000;

/** What is owed to devices: every event that was answered 202. Users are `u0` to `u<users - 1>`. */
export class Ledger {
  private readonly owed = new Map<string, number>();

  constructor(
    private readonly users: number,
    private readonly devices: readonly SteadyDevice[],
  ) {}

  /** Publishes to every user through the given nodes. */
  async publishAll(rounds: number, doors: readonly TestUsher[]): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        Array.from({ length: this.users }, async (_, n) => {
          const userId = `u${n}`;
          const tier = n % 2 === 0 ? 'critical' : 'important';
          const door = doors[n % doors.length] as TestUsher;
          const { status } = await door.backOffice.publish([
            { userId, type: 'note.owed', tier, data: { userId, round } },
          ]);
          if (status === 202) this.owed.set(userId, this.owing(userId) + 1);
        }),
      );
    }
  }

  /** Every device applied every event that is owed to its user, once and in order, and nothing else. */
  async allArrived(): Promise<void> {
    await eventually(
      'every event is applied on every device',
      () => this.behind().length === 0,
      RECOVERY_MS,
    ).catch((error: Error) => {
      const missing = this.behind().map(
        ({ deviceId, applied, userId }) => `${deviceId} ${applied.length}/${this.owing(userId)}`,
      );
      throw new Error(`${error.message}: ${missing.slice(0, 10).join(', ')}`);
    });
    for (const { deviceId, userId, wrong, applied } of this.devices) {
      if (wrong.length > 0) throw new Error(`${deviceId}: ${wrong.join(', ')}`);
      if (applied.length !== this.owing(userId)) throw new Error(`${deviceId} applied what nobody owed it`);
    }
  }

  private behind(): SteadyDevice[] {
    return this.devices.filter(({ userId, applied }) => applied.length < this.owing(userId));
  }

  private owing(userId: string): number {
    return this.owed.get(userId) ?? 0;
  }
}

/** Two devices a user, each of which knows all nodes and begins with another one. */
export function steadyDevices(
  users: number,
  nodes: readonly TestUsher[],
  make: (userId: string, deviceId: string, urls: string[]) => SteadyDevice,
): SteadyDevice[] {
  return Array.from({ length: users }, (_, n) => {
    const order = nodes.map((_node, step) => nodes[(n + step) % nodes.length]?.url as string);
    return [make(`u${n}`, `u${n}-tv`, order), make(`u${n}`, `u${n}-phone`, [...order].reverse())];
  }).flat();
}

export const report = (what: string, since: number) =>
  process.stderr.write(`      ${what}: recovered after ${Date.now() - since} ms\n`);
