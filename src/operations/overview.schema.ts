import { z } from 'zod';
import { instant } from '../platform/auth/ids.schema.js';

const seconds = z.number().nonnegative();
const byTier = z.object({ critical: seconds.nullable(), important: seconds.nullable() });
const circuit = z.object({ vendor: z.string(), upstream: z.string(), since: instant });
const misconfiguration = z.object({ vendor: z.string(), reason: z.string(), lastAt: instant });

/** What each node says of itself (NodeFactsService). A node of another version may say more, or less: what is missing has a default. */
export const nodeFacts = z.object({
  version: z.string().default(''),
  host: z.string().default(''),
  roles: z.array(z.string()).default([]),
  since: instant.optional(),
  state: z.string().default('accepting'),
  loadLevel: z.number().default(1),
  sockets: z.int().nonnegative().default(0),
  edges: z.int().nonnegative().default(0),
  edgeConnections: z.array(z.object({ edgeId: z.string(), since: instant })).default([]),
  openCircuits: z.array(circuit).default([]),
  misconfigured: z.array(misconfiguration).default([]),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

/** A node in the overview. */
const overviewNode = z.object({
  id: z.string(),
  version: z.string(),
  host: z.string(),
  roles: z.array(z.string()),
  since: instant.optional(),
  state: z.string().describe('booting, accepting or draining'),
  loadLevel: z.number().describe('1, 2 or 4: heartbeats are asked for that many times less often'),
  sockets: z.int(),
  edges: z.int(),
});

/** The response of GET /v1/operations/overview. */
export const overview = z
  .object({
    at: instant,
    nodes: z
      .array(overviewNode)
      .optional()
      .describe('As they were a second ago; left out while Redis is away'),
    total: z.object({ nodes: z.int(), sockets: z.int(), edges: z.int(), loadLevel: z.number() }).optional(),
    handoffs: byTier.describe(
      'Seconds since the oldest commit that no node has delivered yet; null: there is none',
    ),
    push: z.array(
      z.object({
        vendor: z.string(),
        dueSeconds: byTier.describe('For how long the longest due push waits; null: none is due'),
        paused: z
          .object({ since: instant, critical: z.boolean() })
          .nullable()
          .describe('Whether an operator holds its pushes back, and those of critical events too'),
        openCircuits: z.array(circuit.omit({ vendor: true }).extend({ nodeId: z.string() })),
        misconfigured: z
          .array(
            misconfiguration
              .omit({ vendor: true })
              .extend({ nodeId: z.string(), fix: z.string().optional().describe('What to do') }),
          )
          .describe(
            'Pushes that failed in the last ten minutes because our credentials or settings are wrong',
          ),
      }),
    ),
    webhooks: z.object({
      processors: z.array(
        z.object({
          processor: z.string(),
          silentSeconds: seconds.describe('Since its last webhook'),
          usualSeconds: seconds.describe('The longest silence in the last 24 hours, to five minutes'),
          failingSeconds: seconds
            .nullable()
            .describe('Since the oldest webhook came that could not be applied so far; null: there is none'),
        }),
      ),
      waiting: z.object({
        count: z.int().describe('Webhooks that wait for a plan or a link; the count stops at 1,000'),
        seconds: seconds.nullable().describe('Since the oldest of them came'),
      }),
    }),
  })
  .meta({ id: 'Overview' });
export type Overview = z.infer<typeof overview>;

/** The response of GET /v1/edges. */
export const edgeList = z
  .object({ edges: z.array(z.object({ edgeId: z.string(), nodeId: z.string(), since: instant })) })
  .meta({ id: 'ConnectedEdges' });
