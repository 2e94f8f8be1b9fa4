/*
 * What became of the campaign, as each place tells it: `{ <what>: <how many> }`. The places of what became of people (the campaign's own counts, tables,
 * raw zone, warehouse), and those of what was recorded of it (events, roll-ups, raw zone, warehouse).
 */
import { askWarehouse } from './warehouse.mjs';

const STATES_OF_RECEIPTS = ['received', 'applied', 'seen'];
const KINDS = ['opened', 'tapped', 'converted', 'unsubscribed'];
const CHANNELS = ['push', 'email', 'app'];

const countWhere = (rows, is) => rows.filter(is).length;
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

/** `GET /v1/campaigns/{name}` */
export async function ofCampaign(api) {
  const { counts, outcomes } = await api.call('GET', '/v1/campaigns/advent');
  const { duplicates, members, queued, skipped, converted } = counts;
  const outcome = (channel, state) =>
    outcomes.find((one) => one.channel === channel && one.state === state)?.count ?? 0;
  return {
    members,
    'duplicate users': duplicates.users,
    'duplicate addresses': duplicates.addresses,
    'skipped by preference': skipped.preference ?? 0,
    queued: sum(Object.values(queued)),
    ...byChannel('queued', (channel) => queued[channel] ?? 0),
    'delivered: push': outcome('push', 'delivered'),
    'delivered: email': outcome('email', 'sent'),
    converted,
  };
}

/** `GET /v1/analytics/engagement` */
export async function ofAnalytics(api, from) {
  const read = async (more) => {
    const query = new URLSearchParams({ from, interval: 'hour', campaign: 'advent', ...more });
    const { series } = await api.call('GET', `/v1/analytics/engagement?${query}`);
    return Object.fromEntries(series.map(({ group, total }) => [group, total]));
  };
  const kinds = await read({ groupBy: 'kind' });
  const delivered = await read({ groupBy: 'channel', kind: 'delivered' });
  const template = await read({ groupBy: 'template', kind: 'delivered' });
  return {
    ...byChannel('delivered', (channel) => delivered[channel] ?? 0),
    'delivered: of the template': template.advent ?? 0,
    ...Object.fromEntries(KINDS.map((kind) => [kind, kinds[kind] ?? 0])),
  };
}

/** Rows of PostgreSQL, or of the raw zone. */
export function ofRows({ campaign_member: members, push, message, receipt }) {
  return {
    members: members.length,
    'duplicate addresses': countWhere(members, ({ reason }) => reason === 'duplicate_address'),
    'skipped by preference': countWhere(members, ({ reason }) => reason === 'preference'),
    queued: countWhere(members, ({ state }) => state === 'queued'),
    ...byChannel('queued', (channel) => countWhere(members, (one) => one.channel === channel)),
    'delivered: push': countWhere(
      push,
      ({ state, type }) => state === 'delivered' && type === 'campaign.message',
    ),
    'delivered: email': countWhere(message, ({ state, channel }) => state === 'sent' && channel === 'email'),
    'delivered: app': countWhere(
      receipt,
      ({ state, type }) => Number(state) >= 2 && type === 'campaign.message',
    ),
    converted: countWhere(members, ({ converted_at: at }) => at !== null),
  };
}

/** Rows of engagement_event. */
export const ofEvents = (events) =>
  ofEngagement((kind, channel) =>
    countWhere(
      events,
      (one) =>
        one.campaign === 'advent' && one.kind === kind && (channel === undefined || one.channel === channel),
    ),
  );

/** Reads from PostgreSQL the rows that `ofRows` and `ofEvents` count. */
export async function readTables(client) {
  const tables = ['campaign_member', 'push', 'message', 'receipt', 'engagement_event'];
  const rows = {};
  for (const table of tables) rows[table] = (await client.query(`SELECT * FROM ${table}`)).rows;
  return rows;
}

/** The tables of the warehouse: fct_campaign_members, fct_deliveries and dim_campaign. */
export async function ofWarehouse(file) {
  const [[members, queuedOfDim, convertedOfDim]] = await askWarehouse(
    file,
    `SELECT members, queued, converted FROM presentation.dim_campaign WHERE name = 'advent'`,
  );
  const became = await askWarehouse(
    file,
    `SELECT coalesce(reason, 'queued: ' || channel, state), count(*) FROM presentation.fct_campaign_members WHERE campaign = 'advent' GROUP BY 1`,
  );
  const delivered = await askWarehouse(
    file,
    `SELECT channel, outcome, count(*) FROM presentation.fct_deliveries WHERE type = 'campaign.message' GROUP BY 1, 2`,
  );
  const member = Object.fromEntries(became.map(([what, count]) => [what, Number(count)]));
  const outcome = (channel, ...states) =>
    sum(
      delivered
        .filter(([one, state]) => one === channel && states.includes(state))
        .map(([, , n]) => Number(n)),
    );
  return {
    members: Number(members),
    'duplicate addresses': member.duplicate_address ?? 0,
    'skipped by preference': member.preference ?? 0,
    queued: Number(queuedOfDim),
    ...byChannel('queued', (channel) => member[`queued: ${channel}`] ?? 0),
    'delivered: push': outcome('push', 'delivered'),
    'delivered: email': outcome('email', 'sent'),
    'delivered: app': outcome('live', ...STATES_OF_RECEIPTS),
    converted: Number(convertedOfDim),
  };
}

/** The table fct_engagement of the warehouse. */
export async function ofWarehouseEvents(file) {
  const rows = await askWarehouse(
    file,
    `SELECT kind, channel, count(*) FROM presentation.fct_engagement WHERE campaign = 'advent' GROUP BY 1, 2`,
  );
  return ofEngagement((kind, channel) =>
    sum(
      rows
        .filter(([one, its]) => one === kind && (channel === undefined || its === channel))
        .map(([, , count]) => Number(count)),
    ),
  );
}

const byChannel = (what, count) =>
  Object.fromEntries(CHANNELS.map((channel) => [`${what}: ${channel}`, count(channel)]));

const ofEngagement = (count) => ({
  ...byChannel('delivered', (channel) => count('delivered', channel)),
  ...Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])),
});

/** Returns a line for each thing that is counted: `{ what, <place>: how many, isEqual }`. `places`: `{ <place>: { <what>: how many } }` */
export function compare(places) {
  const all = new Set(Object.values(places).flatMap((counts) => Object.keys(counts)));
  return [...all].map((what) => {
    const told = Object.entries(places).flatMap(([place, counts]) =>
      counts[what] === undefined ? [] : [[place, counts[what]]],
    );
    const isEqual = new Set(told.map(([, count]) => count)).size === 1;
    return Object.fromEntries([['what', what], ...told, ['isEqual', isEqual]]);
  });
}
