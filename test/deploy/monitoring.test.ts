import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { parse } from 'yaml';
import { ALERTS } from '../../clients/console/src/overview/alarms.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { subscriptionIds } from '../support/drivers/stripe-webhooks.js';
import { eventually } from '../support/eventually.js';
import { describeIfAvailable } from '../support/infrastructure/describe-if-available.js';
import { promtoolUnavailable, testRules } from '../support/infrastructure/promtool.js';
import { type Sample, samplesOf } from '../support/metric.js';
import { namesIn } from '../support/promql.js';
import { FIRING, FIRING_FOR_OTHER_TIERS } from './firing-series.js';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { severity: string };
  readonly annotations: { summary: string; runbook_url: string };
}
const { groups } = parse(text('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(text('deploy/grafana/usher.json')) as { panels: Panel[] };
/** Every expression of the rules and of the dashboard, by the name of what it is for. */
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
];
/** The metrics of docs/reference/metrics.md with their labels. */
const documented = new Map(
  [...text('docs/reference/metrics.md').matchAll(/^\| (`usher_.+?`) +\|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(usher_\w+)(?:\{([\w,]+)\})?`/g)].map(
      ([, name = '', labels]) => [name, labels?.split(',').toSorted() ?? []] as const,
    ),
  ),
);
/** Metrics of a node that has PROCESSES or AUTH_JWKS_URL: test/failure/outages/several-processes.test.ts and test/story/auth/jwks-tokens.test.ts. */
const OF_OTHER_NODES = /^usher_(process_(up|restarts_total|silent)|jwks_\w+)$/;
/** Metrics that Node has, of which prom-client says what they are. */
const OF_NODE = /^usher_(process|nodejs)_/;
const seriesOf = (name: string) => name.replace(/_(bucket|sum|count)$/, '');

let usher: TestUsher;
/** What the node reported when its workers had run once, and nothing had happened yet. */
let atStart: Sample[];
beforeAll(async () => {
  usher = await startUsher();
  atStart = await eventually('the workers have run', async () => {
    const samples = samplesOf(await page());
    return samples.some(({ name }) => name === 'usher_handoffs_oldest_seconds') ? samples : undefined;
  });
}, 40_000);
afterAll(() => usher.stop());

const page = async () => (await fetch(`${usher.url}/metrics`)).text();
/** The samples of a metric whose labels are these. */
const find = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, of]) => one.labels[label] === of),
  );
const scrape = async (name: string, labels: Record<string, string> = {}) =>
  find(samplesOf(await page()), name, labels).map(({ value }) => value);

describe('a node reports', () => {
  test('which version and commit it is, and by which id the overview knows it', async () => {
    const node = await eventually('the node is in the overview', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/operations/overview');
      return (body.nodes as { id: string; version: string }[] | undefined)?.[0];
    });
    const [sample] = find(samplesOf(await page()), 'usher_build_info');
    expect(sample).toEqual({
      name: 'usher_build_info',
      labels: { version: node.version, commit: expect.stringMatching(/^([0-9a-f]{40})?$/), node: node.id },
      value: 1,
    });
  });

  test('how long events take until they are written to devices and acknowledged, by tier, and not what devices catch up on', async () => {
    const publish = (tier: string) =>
      usher.backOffice.publish([{ userId: 'ann', type: `note.${tier}`, tier, data: {} }]);
    const { position } = await usher.state('ann');
    await publish('critical');
    const device = await usher.device('ann', 'ann-tv', { position });
    await device.waitFor('note.critical');
    for (const tier of ['critical', 'important', 'routine', 'critical']) await publish(tier);
    await device.waitFor('note.routine');
    const counts = async () => {
      const samples = samplesOf(await page());
      return Object.fromEntries(
        ['written', 'acknowledged'].map((stage) => [
          stage,
          ['critical', 'important', 'routine'].map(
            (tier) => find(samples, 'usher_delivery_seconds_count', { stage, tier })[0]?.value,
          ),
        ]),
      );
    };
    const all = { written: [2, 1, 1], acknowledged: [2, 1, undefined] };
    await eventually('all are acknowledged', async () => {
      const seen = await counts();
      return JSON.stringify(seen) === JSON.stringify(all);
    });
    // They took less than the test has time for, and more than nothing.
    const [sum] = await scrape('usher_delivery_seconds_sum', { stage: 'written', tier: 'critical' });
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(20);
  });

  test('what has waited longest in each queue', async () => {
    const { database, stripe } = usher;
    await stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds('bob'),
      price: 'price_of_no_plan',
      status: 'active',
    });
    await database.query(
      `INSERT INTO edge_notice (edge_id, key, id, type, data, created_at)
       VALUES ('gone', 'k', gen_random_uuid(), 'stream.stop', '{}', now() - interval '1 hour')`,
    );
    // The sweep skips a handoff that somebody else works on.
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(
        `INSERT INTO handoff (id, consumer, tier, positions) VALUES (gen_random_uuid(), 'delivery', 'critical', '[]')`,
      );
      await client.query('BEGIN');
      await client.query('SELECT FROM handoff FOR UPDATE');
      await eventually(
        'the handoff waits',
        async () => ((await scrape('usher_handoffs_oldest_seconds', { tier: 'critical' }))[0] ?? 0) > 0.5,
        20_000,
      );
    } finally {
      await client.end();
    }
    const samples = samplesOf(await page());
    const one = (name: string, labels?: Record<string, string>) => find(samples, name, labels)[0]?.value;
    expect(one('usher_handoffs_oldest_seconds', { tier: 'important' })).toBe(0);
    expect(one('usher_webhooks_waiting')).toBe(1);
    expect(one('usher_webhooks_waiting_oldest_seconds')).toBeGreaterThan(0);
    expect(one('usher_edge_notices_oldest_seconds')).toBeGreaterThanOrEqual(3_600);
    expect(one('usher_push_oldest_seconds', { vendor: 'apns', tier: 'critical' })).toBe(0);
    expect(one('usher_unsaved_positions_oldest_seconds')).toBe(0);
    expect(one('usher_recommendation_runs_oldest_seconds')).toBe(0);
    expect(one('usher_statements_waiting', { lane: 'critical' })).toBe(0);
    // The node runs on the machine of the database.
    expect(Math.abs(one('usher_clock_difference_seconds') ?? NaN)).toBeLessThan(5);
    expect(one('usher_lease_key_age_seconds')).toBeGreaterThan(0);
    expect(one('usher_lease_key_rotation_seconds')).toBe(30 * 86_400);
  }, 40_000);
});

describe('the documents of what is measured', () => {
  test('list every metric of a node, and no other', async () => {
    const names = [...(await page()).matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
    expect([...documented.keys()].filter((name) => !OF_OTHER_NODES.test(name)).toSorted()).toEqual(
      names.filter((name) => !OF_NODE.test(name)).toSorted(),
    );
  });

  test('and the labels that it has', async () => {
    const samples = samplesOf(await page()).filter(({ name }) => !OF_NODE.test(name));
    const seen = samples.map(({ name, labels }) => [
      seriesOf(name),
      Object.keys(labels)
        .filter((label) => label !== 'le')
        .toSorted(),
    ]);
    expect(seen).toEqual(seen.map(([name]) => [name, documented.get(String(name))]));
  });
});

describe('the alert rules and the dashboard', () => {
  let onPage: ReadonlySet<string>;
  beforeAll(async () => {
    onPage = new Set([...(await page()).matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name));
  });

  test.each(expressions)('%s: asks only for metrics and labels that a node has', (_, expr) => {
    const { metrics, labels } = namesIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    const known = metrics.filter((name) => name !== 'up');
    const isThere = (name: string) => onPage.has(name) || onPage.has(seriesOf(name));
    expect(known.filter((name) => !isThere(name) && !OF_OTHER_NODES.test(name))).toEqual([]);
    const theirs = new Set([
      'instance',
      'job',
      ...known.flatMap((name) => documented.get(name) ?? documented.get(seriesOf(name)) ?? []),
      ...(known.some((name) => name.endsWith('_bucket')) ? ['le'] : []),
    ]);
    expect(labels.filter((label) => !theirs.has(label))).toEqual([]);
  });

  test('each alert says how grave it is, what is so, and where it is written what to do', () => {
    const headings = new Set(
      [...text('docs/operate/alerts.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name),
    );
    expect(rules.length).toBeGreaterThanOrEqual(12);
    for (const { alert, for: duration, labels, annotations } of rules) {
      expect([alert, headings.has(alert)]).toEqual([alert, true]);
      expect(duration).toMatch(/^\d+[smhd]$/);
      expect(labels).toEqual({ severity: expect.stringMatching(/^(critical|warning)$/) });
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.runbook_url).toBe(`docs/operate/alerts.md#${alert.toLowerCase()}`);
    }
    expect([...headings].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });

  test('the console’s overview shows alerts of the same names', () => {
    expect(rules.map(({ alert }) => alert)).toEqual(expect.arrayContaining([...ALERTS]));
  });

  test('Prometheus and Grafana of docker-compose.yml read these files, and scrape every node', () => {
    type Service = {
      image: string;
      profiles?: string[];
      environment?: Record<string, string>;
      volumes?: string[];
    };
    const { services } = parse(text('docker-compose.yml'), { merge: true }) as {
      services: Record<string, Service>;
    };
    const nodes = Object.keys(services).filter((name) => services[name]?.environment?.ROLES !== undefined);
    const prometheus = parse(text('deploy/prometheus/prometheus.yaml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const [scraped] = prometheus.scrape_configs;
    expect(prometheus.rule_files).toEqual(['alerts.yaml']);
    expect(scraped?.job_name).toBe('usher');
    expect(scraped?.static_configs[0]?.targets).toEqual(nodes.map((name) => `${name}:3000`));
    expect(services.prometheus?.volumes).toContain('./deploy/prometheus:/etc/prometheus:ro');
    expect(services.grafana?.volumes).toContain(
      './deploy/grafana/usher.json:/var/lib/grafana/dashboards/usher.json:ro',
    );
    for (const name of ['prometheus', 'grafana']) expect(services[name]?.profiles).toEqual(['observability']);
  });
});

/** Longer than the other alerts wait; that of the retention waits six hours. */
const minuteOf = (alert: string) => (alert === 'UsherRetentionBehind' ? 380 : 40);

describeIfAvailable(promtoolUnavailable(), 'by the reckoning of Prometheus', () => {
  test('every alert fires when what it is for happens, and no other but the one of a worker that is missing', () => {
    expect(Object.keys(FIRING).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
    const cases = [...Object.entries(FIRING), ...FIRING_FOR_OTHER_TIERS].map(([alert, series]) => {
      const hasWorker = Object.keys(series).some((one) => one.startsWith('usher_handoffs'));
      const fires = hasWorker || alert === 'UsherNoWorker' ? [alert] : [alert, 'UsherNoWorker'];
      return { name: alert, series, minute: minuteOf(alert), fires };
    });
    expect(testRules(cases)).toBe('');
  }, 60_000);

  test('a node that just started fires none', () => {
    const series = Object.fromEntries(
      atStart
        // However busy the machine of the tests is.
        .filter(({ name }) => !/eventloop_lag|usher_strain/.test(name))
        .map(({ name, labels, value }) => {
          const all = Object.entries({ ...labels, instance: 'a', job: 'usher' });
          return [`${name}{${all.map(([label, of]) => `${label}="${of}"`).join()}}`, `${value}x60`];
        }),
    );
    expect(Object.keys(series).length).toBeGreaterThan(100);
    expect(testRules([{ name: 'quiet', series, minute: minuteOf(''), fires: [] }])).toBe('');
  });
});
