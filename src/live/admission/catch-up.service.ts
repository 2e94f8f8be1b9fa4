import { Injectable } from '@nestjs/common';
import { DevicesService } from '../../devices/devices.service.js';
import type { Envelope } from '../../mailbox/events/event.js';
import { MailboxStore } from '../../mailbox/mailbox.store.js';
import type { Position } from '../../mailbox/position.js';
import type { State } from '../../mailbox/state/state.js';
import { StateStore } from '../../mailbox/state/state.store.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { isOutage } from '../../platform/postgres/outage.js';

/** A device that wants to catch up; `registers` is given when it connects. */
export interface CatchUpRequest {
  readonly userId: string;
  readonly deviceId: string;
  readonly position: Position | undefined;
  /** When it was connected last, as far as it knows. */
  readonly since?: string | undefined;
  readonly registers?: {
    readonly platform: string;
    readonly appVersion: string | undefined;
  };
}

/** What it needs: the events it missed, or the whole state. */
export type History =
  | { readonly resume: 'replay'; readonly head: Position; readonly missed: readonly Envelope[] }
  | { readonly resume: 'snapshot'; readonly head: Position; readonly state: State };

export interface CatchUp {
  readonly history: History;
  readonly deviceName: string | undefined;
}

/** A device that does not say when it was here last is told what changed within this time. */
const LONGEST_ABSENCE_MS = 3_600_000;

/** Registers devices and reads their history, many in a few statements: a storm of reconnects is a storm of batches. */
@Injectable()
export class CatchUpService {
  private readonly batches = new Batcher<CatchUpRequest, CatchUp>({
    runBatch: (arriving) => this.readBatch(arriving),
    size: 100,
    concurrency: 2,
    capacity: 20_000,
    isolate: (error) => !isOutage(error),
  });

  constructor(
    private readonly devices: DevicesService,
    private readonly mailbox: MailboxStore,
    private readonly states: StateStore,
  ) {}

  read(arriving: CatchUpRequest): Promise<CatchUp> {
    return this.batches.add(arriving);
  }

  private async readBatch(arriving: CatchUpRequest[]): Promise<CatchUp[]> {
    const named = arriving.flatMap(({ userId, deviceId, registers }) =>
      registers ? [{ userId, deviceId, ...registers }] : [],
    );
    const [names, histories] = await Promise.all([
      named.length === 0 ? [] : this.devices.register(named),
      this.histories(arriving),
    ]);
    let next = 0;
    return arriving.map(({ registers }, index) => ({
      history: histories[index] as History,
      deviceName: registers ? names[next++] : undefined,
    }));
  }

  private async histories(arriving: CatchUpRequest[]): Promise<History[]> {
    const resumed = await this.mailbox.readAfter(arriving, 'important');
    const replays = arriving.filter((_, index) => resumed[index]?.missed !== undefined);
    const lost = arriving.filter((_, index) => resumed[index]?.missed === undefined);
    const [recent, states] = await Promise.all([this.recent(replays), this.statesOf(lost)]);
    return resumed.map(({ head, missed }, index) => {
      const one = arriving[index] as CatchUpRequest;
      if (missed) return { resume: 'replay', head, missed: [...missed, ...(recent.get(one) ?? [])] };
      const state = states.get(one.userId) as State;
      return { resume: 'snapshot', head: state.position, state };
    });
  }

  private async statesOf(arriving: readonly CatchUpRequest[]): Promise<Map<string, State>> {
    const users = [...new Set(arriving.map(({ userId }) => userId))];
    const states = users.length === 0 ? [] : await this.states.read(users, 'important');
    return new Map(states.map((state, index) => [users[index] as string, state]));
  }

  /** What a replay leaves out: routine state that changed meanwhile. */
  private async recent(arriving: readonly CatchUpRequest[]): Promise<Map<CatchUpRequest, Envelope[]>> {
    const earliest = new Date(Date.now() - LONGEST_ABSENCE_MS).toISOString();
    const absences = arriving.map(({ userId, deviceId, since }) => ({
      userId,
      deviceId,
      since: since ?? earliest,
    }));
    const events = absences.length === 0 ? [] : await this.states.recent(absences, 'important');
    return new Map(events.map((missed, index) => [arriving[index] as CatchUpRequest, missed]));
  }
}
