import { Inject, Injectable } from '@nestjs/common';
import { HandlesDeviceCommand } from '../devices/commands/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../devices/commands/device-command.js';
import { SlotRenewalService } from '../streams/leases/slot-renewal.service.js';
import { builtInEvent } from '../mailbox/events/event.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { LoadMonitorWorker } from '../platform/load/load-monitor.worker.js';
import { parse } from '../platform/http/validation.js';
import { isOutage } from '../platform/postgres/outage.js';
import { type Heartbeat, heartbeat as heartbeatSchema } from './heartbeat.schema.js';
import { PlaybackStore, type PlaybackPosition } from './playback.store.js';
import { WriteBehindWorker } from './write-behind.worker.js';
import { advance, ASK_AFTER_EPISODES, type Viewing, type ViewingHeartbeat } from './viewing.js';

/** How long the question "still watching?" makes sense. */
const QUESTION_LIFETIME_MS = 10 * 60_000;

/**
 * Handles a device's heartbeat: the viewing rule decides what it means (viewing.ts), the position is saved
 * (PlaybackStore), and the user's other devices get the event `playback.progress`.
 */
@Injectable()
@HandlesDeviceCommand('playback.heartbeat')
export class PlaybackService implements DeviceCommand {
  /** The viewing of each connected device; loaded from the store with the first heartbeat of its connection. */
  private readonly viewings = new WeakMap<DeviceSession, Viewing>();

  constructor(
    private readonly store: PlaybackStore,
    private readonly mailbox: MailboxService,
    private readonly writeBehind: WriteBehindWorker,
    private readonly slots: SlotRenewalService,
    private readonly load: LoadMonitorWorker,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns when the next heartbeat is due. Throws Problem invalid_request, unavailable. */
  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const heartbeat = parse(heartbeatSchema, payload);
    if (heartbeat.streamId !== undefined && heartbeat.state !== 'ended')
      this.slots.renewByHeartbeat(session.userId, heartbeat.streamId);
    const now = Date.now();
    const { showId, episodeId, positionSeconds, state, autoplay } = heartbeat;
    const profileId = heartbeat.profileId ?? session.profileId;
    const at = deviceTime(heartbeat, now);
    const update: ViewingHeartbeat = { showId, profileId, episodeId, positionSeconds, state, autoplay, at };
    const before = this.viewings.get(session) ?? (await this.loadViewing(session, update));
    const { viewing, stale, askStillWatching } = advance(before, update);
    this.viewings.set(session, viewing);
    if (askStillWatching) await this.askStillWatching(session, viewing);
    if (!stale && viewing.counts) await this.save(session, heartbeat, viewing, new Date(at));
    return { nextSeconds: this.config.HEARTBEAT_SECONDS * this.load.level };
  }

  private async loadViewing(
    session: DeviceSession,
    of: { profileId: string; showId: string },
  ): Promise<Viewing | undefined> {
    const { userId, deviceId } = session;
    if (this.writeBehind.isPostgresAway) return this.viewings.get(session);
    const stored = await this.store
      .viewing({ userId, deviceId, profileId: of.profileId, showId: of.showId })
      .catch(undefinedOnOutage);
    // Another heartbeat of the same device may have set it in the meantime.
    return this.viewings.get(session) ?? stored;
  }

  private async save(
    session: DeviceSession,
    { positionSeconds, durationSeconds }: Heartbeat,
    viewing: Viewing,
    at: Date,
  ): Promise<void> {
    const { userId, deviceId, deviceName } = session;
    const { profileId, showId, episodeId, state, autoplayEpisodes, asked } = viewing;
    const progress = {
      profileId,
      showId,
      episodeId,
      positionSeconds,
      durationSeconds,
      state,
      deviceId,
      deviceName,
      at: at.toISOString(),
    };
    const position: PlaybackPosition = { userId, ...progress, autoplayEpisodes, asked };
    const outcome = await this.saveOrDefer(position);
    if (outcome === 'older') return;
    const data = outcome === 'newest' ? progress : { ...progress, unsaved: true as const };
    this.mailbox.publishRoutine([builtInEvent('playback.progress', { userId, data })], deviceId);
  }

  /** `unsaved`: PostgreSQL is unavailable and the position will be written later; the other devices get it all the same. */
  private async saveOrDefer(position: PlaybackPosition): Promise<'newest' | 'older' | 'unsaved'> {
    const isNewest = this.writeBehind.isPostgresAway
      ? undefined
      : await this.store.save(position).catch(undefinedOnOutage);
    if (isNewest !== undefined) return isNewest ? 'newest' : 'older';
    if (!this.writeBehind.add(position)) throw new Problem('unavailable');
    return 'unsaved';
  }

  private async askStillWatching(session: DeviceSession, viewing: Viewing): Promise<void> {
    const { userId, deviceId } = session;
    const { showId } = viewing;
    const question = builtInEvent('playback.still_watching', {
      userId,
      target: deviceId,
      expiresAt: new Date(Date.now() + QUESTION_LIFETIME_MS),
      data: { showId, episodes: ASK_AFTER_EPISODES },
    });
    const published = await this.mailbox.publish([question]).catch(undefinedOnOutage);
    // During an outage it cannot be asked: the next heartbeat tries again.
    if (!published && this.viewings.get(session) === viewing)
      this.viewings.set(session, { ...viewing, asked: false });
  }
}

/**
 * When the device sent it, in ms since 1970, by its own clock if it says so. A time from the future counts as now: a clock that runs ahead must
 * overrule neither other devices, nor what the device says once it is right.
 */
const deviceTime = ({ at }: Heartbeat, now: number): number => {
  if (at === undefined) return now;
  return Math.min(now, typeof at === 'number' ? at : Date.parse(at));
};

/** For `catch`: undefined when PostgreSQL is unavailable; throws any other error again. */
function undefinedOnOutage(error: unknown): undefined {
  if (!isOutage(error)) throw error;
}
