import { crc32 } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { OwnApiClient } from '../own-api.client.js';

interface StoredContact {
  readonly email: string | null;
  readonly phone: string | null;
}

/** Gives the page's users addresses, as the service's sign-up would. */
@Injectable()
export class DemoContactsService {
  constructor(private readonly api: OwnApiClient) {}

  /** Stores a mail address and a number of the user, both verified, unless there is a contact. `timezone`: where the page is. */
  async ensure(userId: string, timezone: string | undefined): Promise<void> {
    const { status } = await this.call('GET', userId);
    if (status !== 404) return;
    const contact = {
      email: `${slugOf(userId)}@example.com`,
      emailVerified: true,
      phone: numberOf(userId),
      phoneVerified: true,
      timezone,
    };
    const stored = await this.call('PUT', userId, JSON.stringify(contact));
    if (stored.status !== 200)
      throw new Problem('conflict', `The contact could not be stored (${stored.status}): ${stored.text}`);
  }

  /** Returns the user's mail address and number; empty when none is stored. */
  async addressesOf(userId: string): Promise<string[]> {
    const { status, text } = await this.call('GET', userId);
    if (status !== 200) return [];
    const { email, phone } = JSON.parse(text) as StoredContact;
    return [email, phone].filter((address) => address !== null);
  }

  private call(method: 'GET' | 'PUT', userId: string, body?: string) {
    const path = `/v1/users/${encodeURIComponent(userId)}/contact`;
    const content = body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } };
    return this.api.sendWithKey({ method, path, ...content });
  }
}

const slugOf = (userId: string): string =>
  userId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '') || 'user';

/** A German mobile number, the same for the same user. Nothing is ever sent there. */
const numberOf = (userId: string): string => `+491511${String(crc32(userId) % 10_000_000).padStart(7, '0')}`;
