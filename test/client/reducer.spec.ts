import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyEvent, applySnapshot, MAX_ENTRIES } from '../../clients/web/src/reducer.js';
import { EMPTY_STATE, type UserState } from '../../clients/web/src/state.js';
import type { Membership, Progress } from '../../clients/web/src/events.js';

const capabilities = { streaming: true, maxStreams: 2, maxQuality: 'hd', downloads: false, ads: false };
const membership = (version: number): Membership => ({
  version,
  status: 'active',
  planId: 'gold',
  capabilities,
  effectiveAt: '2026-01-01T00:00:00Z',
  reason: 'test',
});
const event = (type: string, data: unknown, offset?: number, key = type) => ({
  id: `${type}-${offset}`,
  type,
  tier: 'critical' as const,
  key,
  at: '2026-01-01T00:00:00Z',
  data,
  ...(offset !== undefined && { offset }),
});

const progress: fc.Arbitrary<Progress> = fc
  .record({ show: fc.nat(2), profile: fc.nat(1), device: fc.nat(3), second: fc.nat(5), zone: fc.boolean() })
  .map(({ show, profile, device, second, zone }) => ({
    profileId: `p${profile}`,
    showId: `s${show}`,
    positionSeconds: device * 100 + second,
    durationSeconds: 1_000,
    state: 'playing',
    deviceId: `d${device}`,
    // The same instants written in two ways: text order is not time order.
    at: zone ? `2026-01-01T02:00:0${second}+02:00` : `2026-01-01T00:00:0${second}Z`,
  }));

const withInstants = (rows: readonly Progress[]) => rows.map((row) => ({ ...row, at: Date.parse(row.at) }));

const applyAll = (all: readonly Progress[]) =>
  all.reduce<UserState>((state, each) => applyEvent(state, event('playback.progress', each)), EMPTY_STATE)
    .playback;
const row = (second: number, showId = 's'): Progress => ({
  profileId: 'main',
  showId,
  positionSeconds: second,
  durationSeconds: 100,
  state: 'playing',
  deviceId: 'd',
  at: `2026-01-01T00:00:0${second}Z`,
});
const snapshotOf = (version: number | string) => ({
  ...EMPTY_STATE,
  recommendations: [{ profileId: 'main', version }],
});

const versionAfter = (...versions: (string | number)[]) =>
  versions.reduce<UserState>((state, version) => applySnapshot(state, snapshotOf(version)), EMPTY_STATE)
    .recommendations[0]?.version;

describe('the reducer', () => {
  test('the membership version never decreases, whatever events and snapshots arrive', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('event', 'snapshot', 'blank'), fc.nat(20)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(steps, (all) => {
        let state: UserState = EMPTY_STATE;
        let highest = 0;
        all.forEach(([kind, version], n) => {
          const row = membership(version);
          const { status, planId } = row;
          const snapshot = {
            ...EMPTY_STATE,
            membership: row,
            entitlement: { version, status, planId, capabilities },
          };
          if (kind === 'event') state = applyEvent(state, event('membership.changed', row, n + 1));
          else state = applySnapshot(state, kind === 'snapshot' ? snapshot : EMPTY_STATE);
          highest = kind === 'blank' ? highest : Math.max(highest, version);
          expect(state.membership?.version ?? 0).toBe(highest);
          expect(state.entitlement?.version ?? 0).toBe(highest);
        });
      }),
    );
  });

  test('playback positions end up the same in whatever order and however often they arrive', () => {
    fc.assert(
      fc.property(fc.array(progress, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (rows, random) => {
        const shuffled = [...rows, ...rows]
          .map((row) => ({ row, place: random.next().value ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map((each) => each.row);
        expect(new Set(withInstants(applyAll(shuffled)))).toEqual(new Set(withInstants(applyAll(rows))));
        const times = withInstants(applyAll(rows)).map((each) => each.at);
        expect(times).toEqual([...times].sort((a, b) => b - a));
      }),
    );
  });

  test('a snapshot that is older than a known playback position does not replace it', () => {
    const before = applyEvent(
      applyEvent(EMPTY_STATE, event('playback.progress', row(5))),
      event('playback.progress', row(1, 'removed')),
    );
    expect(applySnapshot(before, { ...EMPTY_STATE, playback: [row(3)] }).playback).toEqual([row(5)]);
    expect(applySnapshot(before, { ...EMPTY_STATE, playback: [row(7)] }).playback).toEqual([row(7)]);
  });

  test('a front page keeps its items if a snapshot has the same version without them', () => {
    const page = { profileId: 'main', version: 3, items: [{ id: 1 }], url: '/r' };
    const before = applyEvent(EMPTY_STATE, event('recommendations.ready', page, 1));
    expect(applySnapshot(before, snapshotOf(3)).recommendations).toEqual([page]);
    expect(applySnapshot(before, snapshotOf(2)).recommendations).toEqual([page]);
    expect(applySnapshot(before, snapshotOf(4)).recommendations).toEqual([{ profileId: 'main', version: 4 }]);
    const entries = [event('recommendations.ready', page, 1)];
    expect(applySnapshot(EMPTY_STATE, { ...snapshotOf(3), entries }).recommendations).toEqual([page]);
  });

  test('front page versions are compared as the server compares them', () => {
    expect(versionAfter(10, 9)).toBe(10);
    expect(versionAfter('2026-11-20', '2026-09-30')).toBe('2026-11-20');
    expect(versionAfter('2026-11-20', 3)).toBe(3);
    expect(versionAfter(3, '2026-11-20')).toBe(3);
  });

  test('a snapshot may correct capabilities without a new version', () => {
    const before = applyEvent(EMPTY_STATE, event('membership.changed', membership(4), 1));
    const corrected = { ...membership(4), capabilities: { ...capabilities, maxStreams: 9 } };
    const entries = [event('membership.changed', membership(4), 1)];
    const after = applySnapshot(before, {
      ...EMPTY_STATE,
      entries,
      membership: corrected,
      entitlement: corrected,
    });
    expect(after.membership?.capabilities.maxStreams).toBe(9);
    expect(after.entitlement?.capabilities.maxStreams).toBe(9);
  });

  test('the number of entries is limited', () => {
    let state: UserState = EMPTY_STATE;
    for (let n = 1; n <= MAX_ENTRIES + 5; n++) state = applyEvent(state, event('note', {}, n, `note:${n}`));
    expect(state.entries).toHaveLength(MAX_ENTRIES);
    expect(state.entries.at(-1)?.offset).toBe(MAX_ENTRIES + 5);
  });

  test('an event with data of the wrong shape changes nothing but the entries', () => {
    const types = fc.constantFrom('membership.changed', 'playback.progress', 'recommendations.ready');
    fc.assert(
      fc.property(
        types,
        fc.oneof(fc.anything(), fc.record({ version: fc.anything(), at: fc.string() })),
        (type, data) => {
          fc.pre(!Number.isFinite((data as { version?: unknown } | null)?.version));
          expect(applyEvent(EMPTY_STATE, event(type, data, 1))).toEqual({
            ...EMPTY_STATE,
            entries: [event(type, data, 1)],
          });
        },
      ),
    );
  });

  test('a state is never changed in place', () => {
    const frozen: UserState = Object.freeze({
      ...EMPTY_STATE,
      playback: Object.freeze([]),
      entries: Object.freeze([]),
    });
    const next = applyEvent(frozen, event('membership.changed', membership(1), 1));
    expect(frozen.membership).toBeUndefined();
    expect(next.entries).toHaveLength(1);
  });
});
