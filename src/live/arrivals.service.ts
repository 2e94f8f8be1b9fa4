import { Injectable } from '@nestjs/common';
import { Devices } from '../devices/devices.service.js';
import type { DurableEnvelope } from '../mailbox/event.js';
import { MailboxStore } from '../mailbox/mailbox.store.js';
import type { Position } from '../mailbox/position.js';
import type { State } from '../mailbox/state.js';
import { StateStore } from '../mailbox/state.store.js';
import { Batcher } from '../platform/batcher.js';

/** A device that wants to catch up; `device` is given when it connects, and registers it. */
export interface Arriving {
  readonly userId: string;
  readonly position: Position | undefined;
  readonly device?: {
    readonly deviceId: string;
    readonly platform: string;
    readonly appVersion: string | undefined;
  };
}

/** What it needs: the events it missed, or the whole state. */
export type History =
  | { readonly resume: 'replay'; readonly head: Position; readonly missed: DurableEnvelope[] }
  | { readonly resume: 'snapshot'; readonly head: Position; readonly state: State };

export interface Arrived {
  readonly history: History;
  readonly deviceName: string | undefined;
}

/** Registers devices and reads their history, many in a few statements: a storm of reconnects is a storm of batches. */
@Injectable()
export class Arrivals {
  private readonly batches = new Batcher<Arriving, Arrived>({
    act: (arriving) => this.arrive(arriving),
    size: 100,
    concurrency: 2,
    capacity: 20_000,
  });

  constructor(
    private readonly devices: Devices,
    private readonly mailbox: MailboxStore,
    private readonly states: StateStore,
  ) {}

  welcome(arriving: Arriving): Promise<Arrived> {
    return this.batches.add(arriving);
  }

  private async arrive(arriving: Arriving[]): Promise<Arrived[]> {
    const named = arriving.flatMap(({ userId, device }) => (device ? [{ userId, ...device }] : []));
    const [names, histories] = await Promise.all([
      named.length === 0 ? [] : this.devices.arrive(named),
      this.histories(arriving),
    ]);
    let next = 0;
    return arriving.map(({ device }, index) => ({
      history: histories[index] as History,
      deviceName: device ? names[next++] : undefined,
    }));
  }

  private async histories(arriving: Arriving[]): Promise<History[]> {
    const resumed = await this.mailbox.resume(arriving, 'important');
    const lost = arriving
      .filter((_, index) => resumed[index]?.missed === undefined)
      .map(({ userId }) => userId);
    const states = new Map<string, State>();
    if (lost.length > 0) {
      const users = [...new Set(lost)];
      (await this.states.read(users, 'important')).forEach((state, index) =>
        states.set(users[index] as string, state),
      );
    }
    return resumed.map(({ head, missed }, index) => {
      if (missed) return { resume: 'replay', head, missed };
      const state = states.get((arriving[index] as Arriving).userId) as State;
      return { resume: 'snapshot', head: state.position, state };
    });
  }
}
