import { Injectable } from '@nestjs/common';
import { PROCESSORS } from '../membership/processors/registry.js';
import type { FoundKind, SearchQuery, SearchResult } from './search.schema.js';
import { type FoundThing, SearchStore } from './search.store.js';

/** The parts of a path, each as a URL has it. */
type Paths = Readonly<Record<'id' | 'userId' | 'processor', string>>;

const URL_OF: Readonly<Record<FoundKind, (of: Paths) => string>> = {
  user: ({ id }) => `/v1/users/${id}`,
  device: ({ userId }) => `/v1/users/${userId}`,
  event: ({ userId, id }) => `/v1/users/${userId}/events/${id}`,
  stream: ({ userId }) => `/v1/users/${userId}/streams`,
  webhook: ({ processor, id }) => `/v1/webhooks/${processor}/${id}`,
  customer: ({ processor, id }) => `/v1/users?customer=${processor}:${id}`,
  subscription: ({ userId }) => `/v1/users/${userId}`,
  plan: ({ id }) => `/v1/plans/${id}`,
  key: ({ id }) => `/v1/keys/${id}`,
};

/** Finds what has an id that somebody pasted, and where it is read. */
@Injectable()
export class SearchService {
  constructor(private readonly store: SearchStore) {}

  async search({ q, userId }: SearchQuery): Promise<SearchResult[]> {
    const found = await this.store.find(q, userId, Object.keys(PROCESSORS));
    return found.map(toResult);
  }
}

function toResult({ kind, id, userId, processor }: FoundThing): SearchResult {
  const url = URL_OF[kind]({
    id: encodeURIComponent(id),
    userId: encodeURIComponent(userId ?? ''),
    processor: encodeURIComponent(processor ?? ''),
  });
  return { kind, id, ...(userId !== null && { userId }), url };
}
