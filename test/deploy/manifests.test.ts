import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { environment, readConfig } from '../../src/platform/config/config.js';
import { startTopology } from '../support/drivers/topology.js';

const ROOT = new URL('../../', import.meta.url);
const text = (path: string) => readFile(new URL(path, ROOT), 'utf8');
/** How long a node takes at most to stop after its drain: docs/operate/deploy.md, "Stopping a node". */
const SLACK_SECONDS = 10;

interface Container {
  readonly env: { name: string; value: string }[];
  readonly envFrom: unknown[];
  readonly ports: { name: string; containerPort: number }[];
  readonly lifecycle: { preStop: { exec: { command: string[] } } };
  readonly securityContext: Record<string, unknown>;
  readonly [probe: `${string}Probe`]: { httpGet: { path: string; port: string } };
}
interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { name: string };
  readonly data: Record<string, string>;
  readonly stringData: Record<string, string>;
  readonly spec: {
    readonly selector: unknown;
    readonly ports: { targetPort: string; port: number }[];
    readonly template: {
      metadata: { labels: Record<string, string> };
      spec: { terminationGracePeriodSeconds: number; containers: [Container] };
    };
    readonly rules: { backendRefs: { name: string; port: number }[] }[];
  };
}

const objects = async (path: string) =>
  parseAllDocuments(await text(`deploy/kubernetes/${path}`)).map(
    (document) => document.toJS() as KubernetesObject,
  );
const only = <T>(all: readonly T[], isIt: (one: T) => boolean): T => {
  const found = all.filter(isIt);
  expect(found).toHaveLength(1);
  return found[0] as T;
};
const objectOfKind = async (path: string, kind: string) =>
  only(await objects(path), (one) => one.kind === kind);

const settings = (await objectOfKind('settings.yaml', 'ConfigMap')).data;
const secrets = (await objectOfKind('examples/secret.yaml', 'Secret')).stringData;

describe.each([
  ['gateway.yaml', 'usher-gateway', 'gateway'],
  ['api.yaml', 'usher-api', 'api,worker'],
])('on Kubernetes, %s', (file, name, roles) => {
  test('sets only known settings, with values that a node accepts', async () => {
    const [container] = (await objectOfKind(file, 'Deployment')).spec.template.spec.containers;
    const given = {
      ...settings,
      ...secrets,
      ...Object.fromEntries(container.env.map((one) => [one.name, one.value])),
    };
    expect(Object.keys(environment.shape)).toEqual(expect.arrayContaining(Object.keys(given)));
    expect(readConfig(given).ROLES.join()).toBe(roles);
  });

  test('is reached by its Service on the port it listens on, and has probes on its health paths', async () => {
    const { template } = (await objectOfKind(file, 'Deployment')).spec;
    const [container] = template.spec.containers;
    const service = await objectOfKind(file, 'Service');
    expect(service.metadata.name).toBe(name);
    expect(template.metadata.labels).toMatchObject(service.spec.selector as Record<string, string>);
    expect(service.spec.ports.map(({ targetPort }) => targetPort)).toEqual(['http']);
    expect(container.ports).toEqual([{ name: 'http', containerPort: Number(settings.PORT) }]);
    expect(
      (['startupProbe', 'livenessProbe', 'readinessProbe'] as const).map(
        (probe) => container[probe]?.httpGet,
      ),
    ).toEqual([
      { path: '/health/live', port: 'http' },
      { path: '/health/live', port: 'http' },
      { path: '/health/ready', port: 'http' },
    ]);
  });

  test('has time to drain its connections, and a read-only file system', async () => {
    const { spec } = (await objectOfKind(file, 'Deployment')).spec.template;
    const [container] = spec.containers;
    const preStop = Number(container.lifecycle.preStop.exec.command.at(-1));
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      preStop + Number(settings.DRAIN_SECONDS) + SLACK_SECONDS,
    );
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });
});

test('the example routes lead to Services that exist', async () => {
  const services = await Promise.all(
    ['gateway.yaml', 'api.yaml'].map((file) => objectOfKind(file, 'Service')),
  );
  const backends = services.map(({ metadata, spec }) => ({ name: metadata.name, port: spec.ports[0]?.port }));
  const route = await objectOfKind('examples/routes.yaml', 'HTTPRoute');
  for (const { backendRefs } of route.spec.rules)
    for (const backend of backendRefs) expect(backends).toContainEqual(backend);
});

/** Settings that docker-compose.yml decides itself, or that are for tests alone. */
const NOT_OFFERED = new Set([
  'NODE_ENV',
  'PORT',
  'HOST',
  'ROLES',
  'DATABASE_URL',
  'FCM_ORIGIN',
  'GOOGLE_API_BASE',
  'GOOGLE_JWKS_URL',
  'TWILIO_ORIGIN',
]);

test('.env.example offers every setting that docker-compose.yml does not decide, and docker-compose.yml passes each on', async () => {
  const compose = parse(await text('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { image: string; environment?: Record<string, string> }>;
  };
  const usher = Object.values(compose.services).filter(({ image }) => image.startsWith('usher'));
  const names = usher.flatMap((service) => Object.keys(service.environment ?? {}));
  const known = Object.keys(environment.shape);
  expect(known).toEqual(expect.arrayContaining(names));
  const example = [...(await text('.env.example')).matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
  const offered = known.filter((name) => !NOT_OFFERED.has(name));
  expect(example.filter((name) => known.includes(name ?? '')).sort()).toEqual(offered.sort());
  const nodes = usher.filter((service) => service.environment?.REDIS_URL !== undefined);
  expect(nodes).toHaveLength(3);
  for (const { environment: values = {} } of nodes)
    expect(offered.filter((name) => !values[name]?.includes(`\${${name}`))).toEqual([]);
});

test('a node runs without permission to write files, as in a container with a read-only file system', async () => {
  const topology = await startTopology({
    NODE_OPTIONS: '--experimental-permission --allow-fs-read=* --allow-worker',
  });
  try {
    const device = await topology.gateways[0].device('ann', 'ann-tv');
    await topology.api.backOffice.publish([
      { userId: 'ann', type: 'note.added', tier: 'critical', data: {} },
    ]);
    await device.waitFor('note.added');
    expect((await topology.api.callAs('ann', 'GET', '/v1/me/state')).status).toBe(200);
  } finally {
    await topology.stop();
  }
});
