import type { Beat } from '@usher/client';
import { EPISODE_SECONDS, nextEpisode, type ShowPosition } from './shows.js';

const TICK_MS = 100;
/** A heartbeat is sent for every minute of film, as real devices do, but at most once a second. */
const FILM_SECONDS_PER_BEAT = 60;
const MIN_BEAT_INTERVAL_MS = 1_000;

export interface PlayerHandlers {
  /** Returns how many seconds of film pass in one second. */
  getSpeed(): number;
  isAutoplayOn(): boolean;
  onBeat(beat: Beat): void;
  onChange(): void;
}

/** Plays a film without pictures: time passes, and heartbeats are sent. Only the film's own clock may run faster than real time. */
export class Player {
  position: ShowPosition | undefined;
  state: Beat['state'] = 'paused';
  /** Autoplay started this episode, and nobody has touched the player since. */
  private isAutoplayed = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private lastTickAt = 0;
  private lastBeatAt = 0;
  private filmSecondsSinceBeat = 0;

  constructor(private readonly handlers: PlayerHandlers) {}

  get isPlaying(): boolean {
    return this.state === 'playing';
  }

  /** A person starts playback. From the end of an episode the next one starts. */
  play(position: ShowPosition): void {
    const isAtEnd = position.positionSeconds >= EPISODE_SECONDS;
    this.position = isAtEnd ? startOfNextEpisode(position) : position;
    this.isAutoplayed = false;
    this.state = 'playing';
    this.lastTickAt = performance.now();
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    this.sendBeat();
  }

  pause(): void {
    if (!this.isPlaying) return;
    this.stop('paused');
    this.sendBeat();
  }

  /** Pauses without a heartbeat: the device lost its power, or another one took over and must not be contradicted. */
  pauseSilently(): void {
    this.stop('paused');
  }

  seek(positionSeconds: number): void {
    if (!this.position) return;
    this.position = { ...this.position, positionSeconds };
    this.isAutoplayed = false;
    this.sendBeat();
  }

  playNextEpisode(): void {
    if (!this.position) return;
    this.play({ ...this.position, positionSeconds: EPISODE_SECONDS });
  }

  private stop(state: 'paused' | 'ended'): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.state = state;
    this.handlers.onChange();
  }

  private tick(): void {
    const now = performance.now();
    const filmSeconds = ((now - this.lastTickAt) / 1_000) * this.handlers.getSpeed();
    this.lastTickAt = now;
    this.filmSecondsSinceBeat += filmSeconds;
    if (!this.position) return;
    const positionSeconds = Math.min(EPISODE_SECONDS, this.position.positionSeconds + filmSeconds);
    this.position = { ...this.position, positionSeconds };
    if (positionSeconds >= EPISODE_SECONDS) return this.finishEpisode(this.position);
    const isBeatDue =
      this.filmSecondsSinceBeat >= FILM_SECONDS_PER_BEAT && now - this.lastBeatAt >= MIN_BEAT_INTERVAL_MS;
    if (isBeatDue) this.sendBeat();
    else this.handlers.onChange();
  }

  private finishEpisode(position: ShowPosition): void {
    if (!this.handlers.isAutoplayOn()) {
      this.stop('ended');
      return this.sendBeat();
    }
    this.position = startOfNextEpisode(position);
    this.isAutoplayed = true;
    this.sendBeat();
  }

  private sendBeat(): void {
    if (!this.position) return;
    this.filmSecondsSinceBeat = 0;
    this.lastBeatAt = performance.now();
    this.handlers.onBeat({
      ...this.position,
      durationSeconds: EPISODE_SECONDS,
      state: this.state,
      autoplay: this.isAutoplayed,
    });
    this.handlers.onChange();
  }
}

function startOfNextEpisode(position: ShowPosition): ShowPosition {
  return { ...position, episodeId: nextEpisode(position.episodeId), positionSeconds: 0 };
}
