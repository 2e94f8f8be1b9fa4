import { Injectable, Logger } from '@nestjs/common';
import { NodeFactsStore } from '../cluster/facts/node-facts.store.js';
import { PROCESSORS } from '../membership/processors/registry.js';
import { Problem } from '../platform/http/problem.js';
import { monotonicNow } from '../platform/scheduling/monotonic.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { pushProviders } from '../push/providers/registry.js';
import { nodeFacts, type NodeFacts, type Overview } from './overview.schema.js';
import { type Backlog, OverviewStore } from './overview.store.js';

/** However many look, the tables are read once in this time by a node. */
const REUSED_MS = 1_000;
const REDIS_TIMEOUT_MS = 1_500;

/** What a node says of itself, with its id. */
type KnownNode = NodeFacts & { readonly id: string };

/** Says of all nodes together what an operator wants to know first. */
@Injectable()
export class OverviewService {
  private readonly log = new Logger('operations');
  private readAt = -Infinity;
  private lastRead: Promise<Overview> | undefined;

  constructor(
    private readonly nodes: NodeFactsStore,
    private readonly store: OverviewStore,
  ) {}

  /** Without `nodes` and `total` while Redis is away. Throws what the database throws. */
  overview(): Promise<Overview> {
    if (this.lastRead && monotonicNow() - this.readAt < REUSED_MS) return this.lastRead;
    this.readAt = monotonicNow();
    const read = this.readOverview();
    // An error is for those who wait for it, and not for the next ones.
    read.catch(() => {
      if (this.lastRead === read) this.lastRead = undefined;
    });
    this.lastRead = read;
    return read;
  }

  /** The connections of edge nodes to all nodes, by edge id. Throws Problem unavailable while Redis is away. */
  async listEdges(): Promise<{ edgeId: string; nodeId: string; since: string }[]> {
    const nodes = await this.readNodes();
    if (!nodes) throw new Problem('unavailable', 'Redis, where nodes say who is connected, is away.');
    return nodes
      .flatMap(({ id, edgeConnections }) => edgeConnections.map((edge) => ({ ...edge, nodeId: id })))
      .toSorted((a, b) => a.edgeId.localeCompare(b.edgeId) || a.nodeId.localeCompare(b.nodeId));
  }

  private async readOverview(): Promise<Overview> {
    const vendors = pushProviders.map(({ name }) => name);
    const [nodes, backlog] = await Promise.all([
      this.readNodes(),
      this.store.readBacklog(Object.keys(PROCESSORS), vendors),
    ]);
    return {
      at: new Date().toISOString(),
      ...(nodes && { nodes: nodes.map(withoutLists), total: totalOf(nodes) }),
      handoffs: backlog.handoffs,
      push: pushProviders.map(({ name: vendor, fixes = {} }) => ({
        vendor,
        dueSeconds: {
          critical: dueSeconds(backlog, vendor, 'critical'),
          important: dueSeconds(backlog, vendor, 'important'),
        },
        paused: pausedOf(backlog, vendor),
        openCircuits: ofVendor(nodes, vendor, {
          of: ({ openCircuits }) => openCircuits,
          show: ({ upstream, since }, nodeId) => ({ upstream, since, nodeId }),
        }),
        misconfigured: ofVendor(nodes, vendor, {
          of: ({ misconfigured }) => misconfigured,
          show: ({ reason, lastAt }, nodeId) => ({ reason, lastAt, nodeId, fix: fixes[reason] }),
        }),
      })),
      webhooks: { processors: [...backlog.processors], waiting: backlog.waiting },
    };
  }

  private async readNodes(): Promise<KnownNode[] | undefined> {
    try {
      const published = await withTimeout(REDIS_TIMEOUT_MS, this.nodes.list());
      return published.map(({ id, facts }) => Object.assign(understood(facts), { id }));
    } catch (error) {
      this.log.warn(`nodes are not known: ${String(error)}`);
      return undefined;
    }
  }
}

/** A node of another version may say it in another way: it is listed all the same. */
const understood = (facts: unknown): NodeFacts => nodeFacts.safeParse(facts).data ?? nodeFacts.parse({});

const withoutLists = ({ id, version, host, roles, since, state, loadLevel, sockets, edges }: KnownNode) => ({
  id,
  version,
  host,
  roles,
  since,
  state,
  loadLevel,
  sockets,
  edges,
});

const totalOf = (nodes: readonly KnownNode[]) => ({
  nodes: nodes.length,
  sockets: nodes.reduce((sum, { sockets }) => sum + sockets, 0),
  edges: nodes.reduce((sum, { edges }) => sum + edges, 0),
  loadLevel: Math.max(1, ...nodes.map(({ loadLevel }) => loadLevel)),
});

const dueSeconds = (backlog: Backlog, vendor: string, tier: string): number | null =>
  backlog.pushes.find((one) => one.vendor === vendor && one.tier === tier)?.seconds ?? null;

const pausedOf = ({ pauses }: Backlog, vendor: string) => {
  const found = pauses.find((one) => one.vendor === vendor);
  return found ? { since: found.since, critical: found.critical } : null;
};

/** What all nodes say of that push provider. */
const ofVendor = <Item extends { readonly vendor: string }, Shown>(
  nodes: readonly KnownNode[] | undefined,
  vendor: string,
  { of, show }: { of: (node: KnownNode) => readonly Item[]; show: (item: Item, nodeId: string) => Shown },
): Shown[] =>
  (nodes ?? []).flatMap((node) =>
    of(node)
      .filter((item) => item.vendor === vendor)
      .map((item) => show(item, node.id)),
  );
