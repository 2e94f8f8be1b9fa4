import { UsherError } from './errors.js';
import type { Beat, BeatAnswer } from './heartbeat.js';
import type { Timers } from './timers.js';

export interface HeartbeatLoopOptions {
  readonly timers: Timers;
  /** Unique among the client's timers. */
  readonly timerName: string;
  getBeat(): Beat;
  sendBeat(beat: Beat): Promise<BeatAnswer>;
  /** Seconds between two beats until a response says otherwise. */
  getIntervalSeconds(): number;
  onError(error: unknown): void;
}

/**
 * Sends heartbeats while `getBeat` says `playing`. The first one is sent after one interval, because less does not count as
 * watching; later ones when the server wants them. A pause is sent once. Returns the function that stops the loop.
 */
export function startHeartbeatLoop(options: HeartbeatLoopOptions): () => void {
  const { timers, timerName } = options;
  let intervalSeconds: number | undefined;
  let lastState: Beat['state'] | undefined;
  let stopped = false;

  const schedule = () =>
    timers.set(timerName, (intervalSeconds ?? options.getIntervalSeconds()) * 1_000, tick);
  const tick = () => {
    schedule(); // first, so that neither a throwing player nor a missing response ends the loop
    try {
      const beat = options.getBeat();
      if (beat.state !== 'playing' && (lastState === undefined || beat.state === lastState)) return;
      lastState = beat.state;
      options.sendBeat(beat).then(adoptInterval, handleFailure);
    } catch (error) {
      options.onError(error);
    }
  };
  const adoptInterval = ({ nextSeconds }: BeatAnswer) => {
    if (stopped || nextSeconds === intervalSeconds) return;
    intervalSeconds = nextSeconds;
    schedule();
  };
  const handleFailure = (error: unknown) => {
    // The app closed the client itself. Should a refusal have closed it, the app hears of that as `refused`.
    if (stopped || (error instanceof UsherError && error.code === 'closed')) return;
    const retryAfterMs = error instanceof UsherError ? error.retryAfterMs : undefined;
    if (retryAfterMs !== undefined)
      adoptInterval({ nextSeconds: Math.max(options.getIntervalSeconds(), retryAfterMs / 1_000) });
    else if (!(error instanceof UsherError) || !error.retryable) options.onError(error);
  };

  schedule();
  return () => {
    stopped = true;
    timers.clear(timerName);
  };
}
