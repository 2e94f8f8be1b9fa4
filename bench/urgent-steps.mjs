/* Which step the time of urgent events was spent in: what their publisher and devices saw, with what event-stamps.mjs saw in the server. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median } from './stats.mjs';

const WRITTEN_WITHIN_MS = 10_000;
/** Of the events, the slowest. */
const TAIL = 0.05;

/** Each step ends at a time of this name; the first begins when the event was due. */
const STEPS = [
  ['sentAt', 'due → sent: the publisher’s own delay'],
  ['requestAt', 'sent → headers read: the event loop was at something else'],
  ['queued', 'headers read → checked: body, key, validation'],
  ['committing', 'checked → commit begun: an iteration of the event loop, commits that run'],
  ['committed', 'commit begun → read that it has ended: PostgreSQL, then the event loop'],
  ['dispatched', 'committed → given to the connections'],
  ['written', 'given → written to the last device'],
  ['arrivedAt', 'written → read by the last device'],
];

/** Begins, and returns a function that ends and returns what the server saw meanwhile. */
export function stampEvents(server, folder) {
  server.stampsCount = (server.stampsCount ?? 0) + 1;
  process.kill(server.pid, 'SIGWINCH');
  return async () => {
    process.kill(server.pid, 'SIGWINCH');
    const file = join(folder, `${server.pid}-${server.stampsCount}.json`);
    for (const until = Date.now() + WRITTEN_WITHIN_MS; !existsSync(file); await pause(50))
      if (Date.now() > until) throw new Error(`the server did not write ${file}`);
    return JSON.parse(readFileSync(file, 'utf8'));
  };
}

/** Returns one object for each event that all saw: its times, and ms of garbage collection while it was under way. */
export function joinStamps(followed, { requests, events, collections }) {
  const requestAt = new Map(requests.map(({ id, at }) => [id, at]));
  return followed.flatMap(({ requestId, ids, ...times }) => {
    const all = { ...times, ...events[ids[0]], requestAt: requestAt.get(requestId) };
    return STEPS.every(([name]) => Number.isFinite(all[name]))
      ? [{ ...all, gc: overlap(collections, all) }]
      : [];
  });
}

function overlap(collections, { sentAt, arrivedAt }) {
  return collections.reduce(
    (sum, { at, us }) => sum + Math.max(0, Math.min(at + us, arrivedAt) - Math.max(at, sentAt)),
    0,
  );
}

/** The steps as a table, in ms, of the events of all rounds. */
export function stepTable(rounds) {
  const events = rounds.flatMap(({ events }) => events);
  const slowest = events.toSorted((a, b) => total(b) - total(a)).slice(0, Math.ceil(events.length * TAIL));
  const longestStep = slowest.map((event) =>
    STEPS.reduce((a, b) => (spent(event, b) > spent(event, a) ? b : a)),
  );
  const lines = STEPS.map((step) => [
    step[1],
    ...describe(events, (event) => spent(event, step)),
    ms(mean(slowest.map((event) => spent(event, step)))),
    `${longestStep.filter((one) => one === step).length}`,
  ]);
  const rest = [
    ['all', ...describe(events, total), ms(mean(slowest.map(total))), `${slowest.length}`],
    [
      'garbage collection meanwhile',
      ...describe(events, ({ gc }) => gc),
      ms(mean(slowest.map(({ gc }) => gc))),
      '',
    ],
  ];
  const loop = (which) => ms(median(rounds.map(({ loop }) => loop[which])));
  const head = [
    'step of an urgent event',
    'p50 ms',
    'p99 ms',
    'mean ms of the slowest 5 %',
    'of these the longest step',
  ];
  return [
    ...[head, head.map((_, n) => (n === 0 ? '---' : '---:')), ...lines, ...rest].map(
      (cells) => `| ${cells.join(' | ')} |`,
    ),
    `Event loop late by p50 ${loop('p50')}, p99 ${loop('p99')}, at most ${loop('max')} ms.`,
  ].join('\n');
}

const total = ({ dueAt, arrivedAt }) => arrivedAt - dueAt;

function spent(event, step) {
  const index = STEPS.indexOf(step);
  return event[step[0]] - (index === 0 ? event.dueAt : event[STEPS[index - 1][0]]);
}

const describe = (events, read) => {
  const sorted = events.map(read).toSorted((a, b) => a - b);
  return [0.5, 0.99].map((share) =>
    ms(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]),
  );
};
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const ms = (us) => (us / 1_000).toFixed(2);
