import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  advance,
  ASK_AFTER_EPISODES,
  COUNTS_AFTER_SECONDS,
  type ViewingHeartbeat,
  type ViewingStep,
  VIEWING_GAP_MS,
  type Viewing,
} from './viewing.js';

const START = Date.parse('2026-11-20T20:00:00Z');
const MINUTE = 60_000;

const heartbeat = (seconds: number, changes: Partial<ViewingHeartbeat> = {}): ViewingHeartbeat => ({
  showId: 'show',
  profileId: 'main',
  episodeId: 'one',
  positionSeconds: seconds,
  state: 'playing',
  autoplay: undefined,
  at: START + seconds * 1_000,
  ...changes,
});

/** The steps that follow from one device's heartbeats, in the order in which they come. */
function watch(heartbeats: readonly ViewingHeartbeat[], before?: Viewing): ViewingStep[] {
  let viewing = before;
  return heartbeats.map((one) => {
    const step = advance(viewing, one);
    viewing = step.viewing;
    return step;
  });
}
const last = (steps: readonly ViewingStep[]): ViewingStep => steps.at(-1) as ViewingStep;

describe('a show counts as watched after a minute', () => {
  test('not before 60 s, from there on, and then for good', () => {
    const steps = watch([0, 30, 59, 60, 90].map((seconds) => heartbeat(seconds, { positionSeconds: 5 })));
    expect(steps.map(({ viewing }) => viewing.counts)).toEqual([false, false, false, true, true]);
  });

  test('time in pause is not counted', () => {
    const at = (seconds: number, state: ViewingHeartbeat['state']) =>
      heartbeat(seconds, { state, positionSeconds: 10 });
    const steps = watch([
      at(0, 'playing'),
      at(20, 'paused'),
      at(100, 'paused'),
      at(200, 'playing'),
      at(230, 'playing'),
    ]);
    expect(steps.map(({ viewing }) => viewing.watchedSeconds)).toEqual([0, 20, 20, 20, 50]);
    expect(last(steps).viewing.counts).toBe(false);
  });

  test('at once when playback continues beyond the first minute of the show', () => {
    expect(advance(undefined, heartbeat(0, { positionSeconds: COUNTS_AFTER_SECONDS })).viewing.counts).toBe(
      true,
    );
    expect(
      advance(undefined, heartbeat(0, { positionSeconds: COUNTS_AFTER_SECONDS - 1 })).viewing.counts,
    ).toBe(false);
  });
});

describe('one viewing', () => {
  const half = watch([heartbeat(0), heartbeat(40, { positionSeconds: 40 })]);

  test('continues with the next episode of the show', () => {
    const { viewing } = advance(last(half).viewing, heartbeat(65, { episodeId: 'two', positionSeconds: 2 }));
    expect(viewing).toMatchObject({ episodeId: 'two', watchedSeconds: 65, counts: true });
  });

  test.each([
    ['another show', { showId: 'other' }],
    ['another profile', { profileId: 'kids' }],
    ['a break that is too long', { at: START + 40_000 + VIEWING_GAP_MS + 1 }],
  ])('ends with %s', (_, more) => {
    const { viewing } = advance(last(half).viewing, heartbeat(70, { positionSeconds: 2, ...more }));
    expect(viewing).toMatchObject({ watchedSeconds: 0, counts: false });
  });

  test('survives three lost heartbeats', () => {
    const { viewing } = advance(
      last(half).viewing,
      heartbeat(40 + VIEWING_GAP_MS / 1_000, { positionSeconds: 2 }),
    );
    expect(viewing).toMatchObject({ watchedSeconds: 280, counts: true });
  });
});

describe('an older heartbeat never overrides a newer one', () => {
  test('it changes nothing and asks nothing', () => {
    const { viewing } = last(watch([heartbeat(0), heartbeat(60)]));
    const late = advance(viewing, heartbeat(30, { state: 'paused', autoplay: true, episodeId: 'zero' }));
    expect(late).toEqual({ viewing, stale: true, askStillWatching: false });
  });

  test.each([
    ['by more than a viewing may pause', { at: START - 2 * VIEWING_GAP_MS }],
    ['of another show', { at: START, showId: 'another' }],
  ])('nor does one that is late %s', (_, changes) => {
    const { viewing } = last(watch([heartbeat(0), heartbeat(60)]));
    expect(advance(viewing, heartbeat(0, changes))).toEqual({
      viewing,
      stale: true,
      askStillWatching: false,
    });
  });

  test('a heartbeat of the same instant is not older', () => {
    const { viewing } = last(watch([heartbeat(0), heartbeat(60)]));
    expect(advance(viewing, heartbeat(60, { state: 'paused' }))).toMatchObject({
      stale: false,
      viewing: { state: 'paused', watchedSeconds: 60 },
    });
  });

  test('within a viewing, time and watched seconds only grow, in whatever order heartbeats come', () => {
    const anyHeartbeat = fc.record({
      seconds: fc.nat(200),
      state: fc.constantFrom('playing' as const, 'paused' as const, 'ended' as const),
    });
    fc.assert(
      fc.property(fc.array(anyHeartbeat, { minLength: 1, maxLength: 30 }), (sent) => {
        const steps = watch(sent.map(({ seconds, state }) => heartbeat(seconds, { state })));
        for (const [n, { viewing }] of steps.entries()) {
          const before = steps[n - 1]?.viewing;
          if (!before) continue;
          expect(viewing.at).toBeGreaterThanOrEqual(before.at);
          expect(viewing.watchedSeconds).toBeGreaterThanOrEqual(before.watchedSeconds);
          expect(viewing.counts || !before.counts).toBe(true);
        }
        const newest = Math.max(...sent.map(({ seconds }) => seconds));
        expect(last(steps).viewing).toMatchObject({ at: START + newest * 1_000 });
        expect(last(steps).viewing.watchedSeconds).toBeLessThanOrEqual(newest);
      }),
    );
  });
});

describe('after five episodes that autoplay started, "still watching?" is asked once', () => {
  const episode = (n: number, changes: Partial<ViewingHeartbeat> = {}): ViewingHeartbeat =>
    heartbeat(n * 60, { episodeId: `episode ${n}`, autoplay: true, at: START + n * 3 * MINUTE, ...changes });
  const asks = (steps: readonly ViewingStep[]): number[] =>
    steps.flatMap(({ askStillWatching }, n) => (askStillWatching ? [n + 1] : []));

  test('with the fifth, and not again with the sixth', () => {
    expect(asks(watch([1, 2, 3, 4, 5, 6, 7, 8].map((n) => episode(n))))).toEqual([ASK_AFTER_EPISODES]);
  });

  test('several heartbeats of one episode count as one episode', () => {
    const heartbeats = [1, 2, 3, 4].flatMap((n) => [
      episode(n),
      episode(n, { at: START + (n * 3 + 1) * MINUTE }),
    ]);
    expect(last(watch(heartbeats)).viewing.autoplayEpisodes).toBe(4);
    expect(asks(watch(heartbeats))).toEqual([]);
  });

  test('a heartbeat without `autoplay` keeps the count of its episode', () => {
    const heartbeats = [1, 2, 3, 4, 5].flatMap((n) => [
      episode(n),
      episode(n, { autoplay: undefined, at: START + (n * 3 + 1) * MINUTE }),
    ]);
    expect(asks(watch(heartbeats))).toEqual([9]);
  });

  test.each([
    ['a pause', { state: 'paused' as const }],
    ['an episode started by hand', { autoplay: false }],
    ['an episode of which no heartbeat says that autoplay started it', { autoplay: undefined }],
  ])('%s shows that a person is there, and resets the count', (_, touch) => {
    const steps = watch(
      [1, 2, 3, 4]
        .map((n) => episode(n))
        .concat(episode(5, touch), ...[6, 7, 8, 9, 10, 11].map((n) => episode(n))),
    );
    expect(steps[4]?.viewing).toMatchObject({ autoplayEpisodes: 0, asked: false });
    expect(asks(steps)).toEqual([10]);
  });

  test('after a sign of a person the question may come again, five episodes later', () => {
    const steps = watch([
      ...[1, 2, 3, 4, 5, 6].map((n) => episode(n)),
      episode(7, { autoplay: false }),
      ...[8, 9, 10, 11, 12, 13].map((n) => episode(n)),
    ]);
    expect(asks(steps)).toEqual([5, 12]);
  });

  test('a viewing that another node saved is not asked about twice', () => {
    const asked = last(watch([1, 2, 3, 4, 5].map((n) => episode(n)))).viewing;
    const saved: Viewing = { ...asked, watchedSeconds: 0 };
    expect(
      asks(
        watch(
          [6, 7, 8].map((n) => episode(n)),
          saved,
        ),
      ),
    ).toEqual([]);
  });

  test('between two signs of a person there is never more than one question, and never one before the fifth episode', () => {
    const kind = fc.constantFrom('autoplay', 'same', 'by hand', 'pause');
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 60 }), (kinds) => {
        let viewing: Viewing | undefined;
        let [n, since, questions] = [0, 0, 0];
        for (const [index, what] of kinds.entries()) {
          if (what === 'autoplay' || what === 'by hand') n += 1;
          if (what === 'autoplay') since += 1;
          else if (what !== 'same') [since, questions] = [0, 0];
          const touch = {
            autoplay: what === 'by hand' ? false : what === 'autoplay' ? true : undefined,
            state: what === 'pause' ? ('paused' as const) : ('playing' as const),
          };
          const step = advance(
            viewing,
            heartbeat(0, { episodeId: `episode ${n}`, at: START + index * MINUTE, ...touch }),
          );
          viewing = step.viewing;
          // The very first heartbeat is of an episode of which it is unknown how it started.
          if (index === 0 && what === 'same') since = 0;
          if (step.askStillWatching) questions += 1;
          expect(questions).toBeLessThanOrEqual(1);
          expect(questions).toBe(since >= ASK_AFTER_EPISODES ? 1 : 0);
        }
      }),
    );
  });
});
