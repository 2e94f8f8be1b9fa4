/* Whether every device heard what it should, and knows what the server knows. */

/** Older ones need not be known: a device keeps 1,000 in all. */
const COMPARED_ENTRIES = 500;

/**
 * Compares what a device heard with what was published. `published` is a map from each number to `{ user, target, offset, isHeard }`; `heard`
 * lists `{ user, offset, n }` in the order of the device. Returns counts, all 0 but `heard` if it is right.
 */
export function judgeHeard(deviceId, heard, published) {
  const isFor = ({ user, target, isHeard }, reader) =>
    isHeard && user === reader && (target === undefined || target === deviceId);
  const counts = { heard: heard.length, missing: 0, doubled: 0, disordered: 0, foreign: 0 };
  const seen = new Set();
  const last = new Map();
  for (const { user, offset, n } of heard) {
    const event = published.get(n);
    if (!event || !isFor(event, user) || event.offset !== offset) counts.foreign += 1;
    else if (seen.has(n)) counts.doubled += 1;
    else if (offset < (last.get(user) ?? 0)) counts.disordered += 1;
    seen.add(n);
    last.set(user, Math.max(offset, last.get(user) ?? 0));
  }
  for (const [n, event] of published) if (isFor(event, event.user) && !seen.has(n)) counts.missing += 1;
  return counts;
}

/** Returns what differs between a device's report and the server's state, or null. */
export function compareState(deviceId, report, server) {
  const expected = {
    user: server.user,
    connection: 'live',
    position: server.position,
    entries: server.entries
      .filter(({ target }) => target === undefined || target === deviceId)
      .map(({ offset }) => offset)
      .slice(-COMPARED_ENTRIES),
    membership: server.membership,
    playback: server.playback,
  };
  const found = { ...report, entries: report.entries.slice(-COMPARED_ENTRIES) };
  const different = Object.keys(expected).filter((field) => !isSame(expected[field], found[field]));
  return different.length === 0 ? null : different.join(', ');
}

/** The order of fields does not matter. */
function isSame(one, other) {
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

function sorted(_name, value) {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
}

/** Returns a table: a line for each row, in columns. */
export function formatTable(head, rows) {
  const lines = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  return lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at])).join('  ')).join('\n');
}
