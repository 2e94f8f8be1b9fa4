import type { Beat } from '@usher/client';
import { EPISODE_SECONDS, episodeAfter, type Place } from './film.js';

const TICK_MS = 100;
/** A beat for every minute of film, as devices do; but never more than one a second. */
const FILM_SECONDS_A_BEAT = 60;
const SHORTEST_MS = 1_000;

export interface PlayerPorts {
  /** How many seconds of film pass in one. */
  speed(): number;
  autoplay(): boolean;
  beat(beat: Beat): void;
  changed(): void;
}

/**
 * Plays a film that has no pictures: time passes, and the device says where it is. Beats are real and carry the real time;
 * only the film's own clock may run faster.
 */
export class Player {
  place: Place | undefined;
  state: Beat['state'] = 'paused';
  /** Whether autoplay began this episode and nobody touched anything since. */
  private untouched = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private lastTick = 0;
  private lastBeat = 0;
  private filmSinceBeat = 0;

  constructor(private readonly ports: PlayerPorts) {}

  get isPlaying(): boolean {
    return this.state === 'playing';
  }

  /** Somebody pressed play. */
  play(place: Place): void {
    const isOver = place.positionSeconds >= EPISODE_SECONDS;
    this.place = isOver ? { ...place, episodeId: episodeAfter(place.episodeId), positionSeconds: 0 } : place;
    this.untouched = false;
    this.run();
  }

  /** Somebody paused, or the app did. */
  pause(): void {
    if (!this.isPlaying) return;
    this.halt('paused');
    this.beat();
  }

  /** Stops without a word: the power is gone, or another device took over and its beats must not be contradicted. */
  cut(): void {
    this.halt('paused');
  }

  seek(positionSeconds: number): void {
    if (!this.place) return;
    this.place = { ...this.place, positionSeconds };
    this.untouched = false;
    this.beat();
  }

  nextEpisode(): void {
    if (!this.place) return;
    this.play({ ...this.place, positionSeconds: EPISODE_SECONDS });
  }

  private run(): void {
    this.state = 'playing';
    this.lastTick = performance.now();
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    this.beat();
  }

  private halt(state: 'paused' | 'ended'): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.state = state;
    this.ports.changed();
  }

  private tick(): void {
    const now = performance.now();
    const passed = ((now - this.lastTick) / 1_000) * this.ports.speed();
    this.lastTick = now;
    this.filmSinceBeat += passed;
    if (!this.place) return;
    this.place = {
      ...this.place,
      positionSeconds: Math.min(EPISODE_SECONDS, this.place.positionSeconds + passed),
    };
    if (this.place.positionSeconds >= EPISODE_SECONDS) return this.episodeOver(this.place);
    if (this.filmSinceBeat >= FILM_SECONDS_A_BEAT && now - this.lastBeat >= SHORTEST_MS) this.beat();
    else this.ports.changed();
  }

  private episodeOver(place: Place): void {
    if (!this.ports.autoplay()) {
      this.halt('ended');
      return this.beat();
    }
    this.place = { ...place, episodeId: episodeAfter(place.episodeId), positionSeconds: 0 };
    this.untouched = true;
    this.beat();
  }

  private beat(): void {
    if (!this.place) return;
    this.filmSinceBeat = 0;
    this.lastBeat = performance.now();
    this.ports.beat({
      ...this.place,
      durationSeconds: EPISODE_SECONDS,
      state: this.state,
      autoplay: this.untouched,
    });
    this.ports.changed();
  }
}
