import { Inject, Injectable } from '@nestjs/common';
import { HandlesDeviceCommand } from '../devices/device-command.decorator.js';
import type { CommandResponse, DeviceCommand, DeviceSession } from '../devices/device-command.js';
import { SlotRenewalService } from '../streams/leases/slot-renewal.service.js';
import { builtInEvent } from '../mailbox/events/event.js';
import { MailboxService } from '../mailbox/mailbox.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { LoadMonitorWorker } from '../platform/load/load-monitor.worker.js';
import { parse } from '../platform/http/validation.js';
import { isOutage } from '../platform/postgres/outage.js';
import { type Heartbeat, heartbeat as beatSchema } from './heartbeat.schema.js';
import { PlaybackStore, type PlaybackPosition } from './playback.store.js';
import { WriteBehindWorker } from './write-behind.worker.js';
import { advance, ASK_AFTER_EPISODES, type Viewing } from './viewing.js';

/** How long the question "still watching?" makes sense. */
const ASK_LIVES_MS = 10 * 60_000;

/** A device's beat: becomes the position of its show, and is told to the user's other devices. */
@Injectable()
@HandlesDeviceCommand('playback.heartbeat')
export class PlaybackService implements DeviceCommand {
  /** What each live device is viewing; read from the store when it beats for the first time on this connection. */
  private readonly viewings = new WeakMap<DeviceSession, Viewing>();

  constructor(
    private readonly store: PlaybackStore,
    private readonly mailbox: MailboxService,
    private readonly unsaved: WriteBehindWorker,
    private readonly renewals: SlotRenewalService,
    private readonly load: LoadMonitorWorker,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async handle(session: DeviceSession, payload: unknown): Promise<CommandResponse> {
    const beat = parse(beatSchema, payload);
    if (beat.streamId !== undefined && beat.state !== 'ended')
      this.renewals.renewByHeartbeat(session.userId, beat.streamId);
    const now = Date.now();
    const { showId, episodeId, positionSeconds, state, autoplay } = beat;
    const profileId = beat.profileId ?? session.profileId;
    const moment = {
      showId,
      profileId,
      episodeId,
      positionSeconds,
      state,
      autoplay,
      at: deviceTime(beat, now),
    };
    const before = this.viewings.get(session) ?? (await this.remembered(session, moment));
    const { viewing, stale, askStillWatching } = advance(before, moment);
    this.viewings.set(session, viewing);
    if (askStillWatching) await this.askStillWatching(session, viewing);
    // A clock that runs ahead must not outlast the beats of devices whose clocks are right.
    if (!stale && viewing.counts) await this.save(session, beat, viewing, new Date(Math.min(moment.at, now)));
    return { nextSeconds: this.config.HEARTBEAT_SECONDS * this.load.level };
  }

  private async remembered(
    session: DeviceSession,
    of: { profileId: string; showId: string },
  ): Promise<Viewing | undefined> {
    const { userId, deviceId } = session;
    if (this.unsaved.hasPending) return this.viewings.get(session);
    const stored = await this.store
      .viewing({ userId, deviceId, profileId: of.profileId, showId: of.showId })
      .catch(unlessOutage);
    // Another beat of the same device may have been quicker.
    return this.viewings.get(session) ?? stored;
  }

  private async save(session: DeviceSession, beat: Heartbeat, viewing: Viewing, at: Date): Promise<void> {
    const { userId, deviceId, deviceName } = session;
    const { positionSeconds, durationSeconds } = beat;
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
    const kept = await this.keep(position);
    if (kept === 'older') return;
    const data = kept === 'newest' ? progress : { ...progress, unsaved: true as const };
    this.mailbox.publishRoutine([builtInEvent('playback.progress', { userId, data })], deviceId);
  }

  /** `unsaved`: PostgreSQL is away; the other devices hear it all the same, and it is written later. */
  private async keep(position: PlaybackPosition): Promise<'newest' | 'older' | 'unsaved'> {
    const newest = this.unsaved.hasPending ? undefined : await this.store.save(position).catch(unlessOutage);
    if (newest !== undefined) return newest ? 'newest' : 'older';
    if (!this.unsaved.hold(position)) throw new Problem('unavailable');
    return 'unsaved';
  }

  private async askStillWatching(session: DeviceSession, viewing: Viewing): Promise<void> {
    const { userId, deviceId } = session;
    const { showId } = viewing;
    const question = builtInEvent('playback.still_watching', {
      userId,
      target: deviceId,
      expiresAt: new Date(Date.now() + ASK_LIVES_MS),
      data: { showId, episodes: ASK_AFTER_EPISODES },
    });
    const asked = await this.mailbox.publish([question]).catch(unlessOutage);
    // With PostgreSQL away the next beat asks.
    if (!asked && this.viewings.get(session) === viewing)
      this.viewings.set(session, { ...viewing, asked: false });
  }
}

const deviceTime = ({ at }: Heartbeat, now: number): number => {
  if (at === undefined) return now;
  return typeof at === 'number' ? at : Date.parse(at);
};

/** What only an outage of PostgreSQL kept from being known is undefined. */
function unlessOutage(error: unknown): undefined {
  if (!isOutage(error)) throw error;
}
