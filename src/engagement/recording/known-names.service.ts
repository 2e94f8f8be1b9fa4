import { Injectable } from '@nestjs/common';
import { growingCache } from '../../platform/growing-cache.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import { type EngagementEvent, OTHER } from '../engagement-event.js';
import { type GivenName, KnownNameStore } from './known-name.store.js';

/** Names that are remembered, some 200 bytes each, and for how long: a campaign that begins is known by then. */
const MAX_NAMES = 20_000;
const REMEMBER_MS = 30_000;
const NAMED = ['team', 'campaign', 'template'] as const;

type Named = Pick<EngagementEvent, (typeof NAMED)[number]>;

/** Knows the names of teams, campaigns and templates, so that an app cannot make up any. */
@Injectable()
export class KnownNamesService {
  private readonly known = growingCache<'known' | 'unknown'>(MAX_NAMES, REMEMBER_MS);

  constructor(
    private readonly store: KnownNameStore,
    private readonly templates: TemplateCatalogService,
  ) {}

  /** Returns the events with OTHER in the place of each name that is not known. */
  async fold<Event extends Named>(events: readonly Event[]): Promise<Event[]> {
    const found = await this.look(events);
    const nameOf = (dimension: GivenName['dimension'], value: string | undefined) =>
      value === undefined || found.has(keyOf({ dimension, value })) ? value : OTHER;
    return events.map((event) => ({
      ...event,
      team: nameOf('team', event.team),
      campaign: nameOf('campaign', event.campaign),
      template: nameOf('template', event.template),
    }));
  }

  /** Returns the keys of the names that are known. One query for those that are not remembered. */
  private async look(events: readonly Named[]): Promise<ReadonlySet<string>> {
    const given = new Map<string, GivenName>();
    for (const event of events)
      for (const dimension of NAMED) {
        const value = event[dimension];
        if (value !== undefined) given.set(keyOf({ dimension, value }), { dimension, value });
      }
    const isKnown = ([key, name]: [string, GivenName]) =>
      this.known.get(key) === 'known' || this.isTemplate(name);
    const toAsk = [...given].filter((one) => !isKnown(one) && this.known.get(one[0]) === undefined);
    if (toAsk.length > 0) await this.ask(toAsk);
    return new Set([...given].filter(isKnown).map(([key]) => key));
  }

  private async ask(names: readonly (readonly [key: string, name: GivenName])[]): Promise<void> {
    const found = await this.store.filterKnown(names.map(([, name]) => name));
    const keys = new Set(found.map(keyOf));
    for (const [key] of names) this.known.set(key, keys.has(key) ? 'known' : 'unknown');
  }

  private isTemplate({ dimension, value }: GivenName): boolean {
    return dimension === 'template' && this.templates.find(value) !== undefined;
  }
}

const keyOf = ({ dimension, value }: GivenName): string => `${dimension} ${value}`;
