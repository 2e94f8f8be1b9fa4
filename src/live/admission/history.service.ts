import { Injectable } from '@nestjs/common';
import { DevicesService } from '../../devices/devices.service.js';
import type { Envelope } from '../../mailbox/events/event.js';
import { type EntriesPage, MailboxStore } from '../../mailbox/mailbox.store.js';
import type { Position } from '../../mailbox/position.js';
import type { State, StateRead } from '../../mailbox/state/state.js';
import { StateStore } from '../../mailbox/state/state.store.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { Batcher } from '../../platform/scheduling/batcher.js';

/** A device that is to catch up. */
export interface HistoryRequest {
  readonly userId: string;
  readonly deviceId: string;
  /** How far it has read, if it knows. */
  readonly position: Position | undefined;
  /** When it was connected last, as far as it knows; ISO 8601. */
  readonly since?: string | undefined;
  /** Set when the device connects: it is registered by that. */
  readonly registration?: {
    readonly platform: string;
    readonly appVersion: string | undefined;
  };
}

/** What a device needs to catch up with `head`: the events that it missed, or the whole state, of which this is the first page. */
export type History =
  | { readonly resume: 'replay'; readonly head: Position; readonly missed: readonly Envelope[] }
  | { readonly resume: 'snapshot'; readonly head: Position; readonly state: State };

/** The history of one device, with its name if it has one and was registered. */
export interface HistoryResult {
  readonly history: History;
  readonly deviceName: string | undefined;
}

/** For a device that does not say when it was connected last (docs/CONTRACT.md, "From the server"). */
const DEFAULT_ABSENCE_MS = 3_600_000;
/** Events in one page of a snapshot; mostly PAGE_BYTES ends it before. */
const PAGE_EVENTS = 500;

/** While many devices connect, a batch waits this long for more of them: a statement costs a node more than what it reads. */
const SPACING_MS = 10;

/** The page of a snapshot that begins after `position`. */
interface PageRequest {
  readonly userId: string;
  readonly position: Position;
}

/**
 * Registers devices and reads their histories, up to 100 in each statement, so that 10,000 reconnects cost hundreds of
 * statements.
 */
@Injectable()
export class HistoryService {
  private readonly batches = new Batcher<HistoryRequest, HistoryResult>({
    runBatch: (requests) => this.readBatch(requests),
    size: 100,
    concurrency: 2,
    spacingMs: SPACING_MS,
    capacity: 20_000,
    isolate: (error) => !isOutage(error),
  });

  private readonly pages = new Batcher<PageRequest, EntriesPage>({
    runBatch: (requests) => Promise.all(requests.map((request) => this.readOnePage(request))),
    size: 1,
    concurrency: 2,
    capacity: 20_000,
  });

  constructor(
    private readonly devices: DevicesService,
    private readonly mailbox: MailboxStore,
    private readonly states: StateStore,
  ) {}

  /** Throws QueueFull when 20,000 devices wait already, and whatever the databases throw. */
  read(request: HistoryRequest): Promise<HistoryResult> {
    return this.batches.add(request);
  }

  /** Returns the events after `position` that fit into a page. Throws as `read` does. */
  readPage(userId: string, position: Position): Promise<EntriesPage> {
    return this.pages.add({ userId, position });
  }

  private readOnePage({ userId, position }: PageRequest): Promise<EntriesPage> {
    return this.mailbox.readPage(userId, position.offset, PAGE_EVENTS);
  }

  private async readBatch(requests: HistoryRequest[]): Promise<HistoryResult[]> {
    const registrations = requests.flatMap(({ userId, deviceId, registration }) =>
      registration ? [{ userId, deviceId, ...registration }] : [],
    );
    const [names, histories] = await Promise.all([
      registrations.length === 0 ? [] : this.devices.register(registrations),
      this.readHistories(requests),
    ]);
    let next = 0;
    return requests.map(({ registration }, index) => ({
      history: histories[index] as History,
      deviceName: registration ? names[next++] : undefined,
    }));
  }

  private async readHistories(requests: HistoryRequest[]): Promise<History[]> {
    const resumed = await this.mailbox.readAfter(requests, 'important');
    const replays = requests.filter((_, index) => resumed[index]?.missed !== undefined);
    const snapshots = requests.filter((_, index) => resumed[index]?.missed === undefined);
    const [routine, states] = await Promise.all([this.readRoutine(replays), this.readStates(snapshots)]);
    return resumed.map(({ head, missed }, index) => {
      const request = requests[index] as HistoryRequest;
      if (missed) return { resume: 'replay', head, missed: [...missed, ...(routine.get(request) ?? [])] };
      const snapshot = states.get(request.userId) as StateRead;
      return { resume: 'snapshot', head: snapshot.head, state: snapshot.state };
    });
  }

  private async readStates(requests: readonly HistoryRequest[]): Promise<Map<string, StateRead>> {
    const users = [...new Set(requests.map(({ userId }) => userId))];
    const states = users.length === 0 ? [] : await this.states.read(users, 'important');
    return new Map(states.map((state, index) => [users[index] as string, state]));
  }

  /**
   * The routine state that changed while the device was away; a replay does not have it, since it is not in the
   * mailbox.
   */
  private async readRoutine(requests: readonly HistoryRequest[]): Promise<Map<HistoryRequest, Envelope[]>> {
    const earliest = new Date(Date.now() - DEFAULT_ABSENCE_MS).toISOString();
    const absences = requests.map(({ userId, deviceId, since }) => ({
      userId,
      deviceId,
      since: since ?? earliest,
    }));
    const events = absences.length === 0 ? [] : await this.states.readRecent(absences, 'important');
    return new Map(events.map((missed, index) => [requests[index] as HistoryRequest, missed]));
  }
}
