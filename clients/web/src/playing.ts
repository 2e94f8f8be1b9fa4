import type { Beat, BeatAnswer } from './beat.js';
import { UsherError } from './errors.js';
import type { Timers } from './timers.js';

export interface PlayingPort {
  readonly timers: Timers;
  /** Its own among the timers. */
  readonly name: string;
  get(): Beat;
  beat(beat: Beat): Promise<BeatAnswer>;
  heartbeatSeconds(): number;
  complain(error: unknown): void;
}

/**
 * Beats while something plays. The first beat comes after one interval, because less does not count as watching; then
 * one whenever the server wants the next. A pause is told once and then kept to itself.
 */
export function keepBeating(port: PlayingPort): () => void {
  let everySeconds: number | undefined; // until the server has said otherwise, what its welcome says
  let told: Beat['state'] | undefined;
  let stopped = false;

  const arm = () => port.timers.set(port.name, (everySeconds ?? port.heartbeatSeconds()) * 1_000, tick);
  const tick = () => {
    arm(); // first, so that neither a player that throws nor an answer that never comes ends the beating
    try {
      const beat = port.get();
      if (beat.state !== 'playing' && (told === undefined || beat.state === told)) return;
      told = beat.state;
      port.beat(beat).then(obey, forgive);
    } catch (error) {
      port.complain(error);
    }
  };
  const obey = (answer: BeatAnswer) => {
    if (stopped || answer.nextSeconds === everySeconds) return;
    everySeconds = answer.nextSeconds;
    arm();
  };
  const forgive = (error: unknown) => {
    if (stopped) return;
    const asked = error instanceof UsherError ? error.retryAfterMs : undefined;
    if (asked !== undefined) obey({ nextSeconds: Math.max(port.heartbeatSeconds(), asked / 1_000) });
    else if (!(error instanceof UsherError) || !error.retryable) port.complain(error);
  };

  arm();
  return () => {
    stopped = true;
    port.timers.clear(port.name);
  };
}
