import { ago, DAY_MS } from '../ago.js';
import { eventually } from '../eventually.js';
import type { HttpReply } from './back-office.js';
import type { TestUsher } from './usher.js';

let ids = 0;
/** Something that ada did a second ago, with these changes; each has an id of its own. */
export const event = (changes: Record<string, unknown> = {}) => ({
  id: `e${(ids += 1)}`,
  userId: 'ada',
  kind: 'opened',
  at: ago(1_000),
  ...changes,
});

interface Analytics extends Record<string, unknown> {
  readonly buckets: readonly string[];
  readonly series: readonly { group: string | null; total: number; machineTotal: number; counts: number[] }[];
}

interface Update {
  readonly id: string;
  readonly buckets: readonly { at: string; counts: readonly { kind: string; people: number }[] }[];
}

/** The calls of the back office about what people did. */
export class EngagementCalls {
  private readonly open: AbortController[] = [];

  constructor(private readonly usher: TestUsher) {}

  /** Ends all that is watched. */
  stop(): void {
    for (const controller of this.open) controller.abort();
  }

  record = (...events: Record<string, unknown>[]): Promise<HttpReply> =>
    this.usher.backOffice.call('POST', '/v1/engagement', { events });

  ask = (query: Record<string, string>): Promise<HttpReply> =>
    this.usher.backOffice.call('GET', `/v1/analytics/engagement?${String(new URLSearchParams(query))}`);

  read = async (query: Record<string, string>): Promise<Analytics> =>
    (await this.ask(query)).body as unknown as Analytics;

  /** Waits until the totals of a campaign by kind are these: people, and machines where there are some. */
  totalsBecome(campaign: string, totals: Record<string, number | [number, number]>): Promise<true> {
    return eventually(`the totals of ${campaign} are ${JSON.stringify(totals)}`, async () => {
      const { series } = await this.read({
        campaign,
        groupBy: 'kind',
        from: ago(3 * DAY_MS),
        interval: 'hour',
      });
      const found = series.map(({ group, total, machineTotal }) => [
        group,
        machineTotal === 0 ? total : [total, machineTotal],
      ]);
      const sorted = (entries: unknown[][]) =>
        JSON.stringify(entries.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)));
      return sorted(found) === sorted(Object.entries(totals));
    });
  }

  /** Watches as a browser's EventSource does. */
  async watch(
    campaign: string,
    lastEventId?: string,
    key = this.usher.secrets().ADMIN_KEY,
  ): Promise<Watched> {
    const controller = new AbortController();
    this.open.push(controller);
    const response = await fetch(`${this.usher.url}/v1/analytics/stream?campaign=${campaign}`, {
      headers: {
        authorization: `Bearer ${key}`,
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: controller.signal,
    });
    return new Watched(response, controller);
  }
}

/** What `GET /v1/analytics/stream` sends. */
export class Watched {
  readonly updates: Update[] = [];
  private isEnded = false;

  constructor(
    response: Response,
    private readonly controller: AbortController,
  ) {
    void this.readAll(response)
      .catch(() => undefined)
      .finally(() => (this.isEnded = true));
  }

  isOpen = (): boolean => !this.isEnded;
  close = (): void => this.controller.abort();

  /** How many people the last update has of this kind. */
  peopleOf = (kind: string): number | undefined =>
    this.updates
      .flatMap(({ buckets }) => buckets.flatMap(({ counts }) => counts))
      .findLast((one) => one.kind === kind)?.people;

  private async readAll(response: Response): Promise<void> {
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, id = '', data = '{}'] = /^id: (\d+)\nevent: buckets\ndata: (.*)$/.exec(block) ?? [];
        if (id !== '') this.updates.push({ ...(JSON.parse(data) as Update), id });
      }
    }
  }
}
