import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct, AuditedFields } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { Problem } from '../platform/http/problem.js';
import { Database } from '../platform/postgres/database.js';
import { AddressCipherService } from './address-cipher.service.js';
import type { ContactCipher } from './contact-cipher.js';
import type { Contact, NewContact, OwnContact } from './contact.schema.js';
import { type ContactRow, ContactStore, type StoredContact } from './contact.store.js';

/** How users are reached without the app. */
@Injectable()
export class ContactsService {
  constructor(
    private readonly store: ContactStore,
    private readonly ciphers: AddressCipherService,
    private readonly database: Database,
    private readonly audit: AuditService,
  ) {}

  /** Throws Problem not_found for a user without a contact. */
  async get(userId: string): Promise<Contact> {
    const cipher = this.ciphers.require();
    const stored = await this.store.get(userId);
    if (!stored) throw new Problem('not_found', 'The user has no contact.');
    return contactOf(stored, cipher);
  }

  /** Replaces the contact as a back office knows it. */
  put(userId: string, contact: NewContact, by: AuditContext): Promise<Contact> {
    const cipher = this.ciphers.require();
    return this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.lock(tx, userId);
      const after = await this.store.put(tx, userId, rowOf(contact, cipher));
      const act = actOn('contact.put', userId, {
        before: before && toldOf(before, cipher),
        after: toldOf(after, cipher),
      });
      return { outcome: contactOf(after, cipher), acts: [act] };
    });
  }

  /** Replaces the contact as its user wants it. An address that is another one than before is not verified. */
  putOwn(userId: string, contact: OwnContact): Promise<Contact> {
    const cipher = this.ciphers.require();
    return this.database.transaction('important', async (tx) => {
      const stored = await this.store.lock(tx, userId);
      const before = stored && contactOf(stored, cipher);
      const verified = {
        emailVerified: before?.emailVerified === true && before.email === contact.email,
        phoneVerified: before?.phoneVerified === true && before.phone === contact.phone,
      };
      return contactOf(await this.store.put(tx, userId, rowOf({ ...contact, ...verified }, cipher)), cipher);
    });
  }

  /** Removes the contact, for a back office. Throws Problem not_found when there is none. */
  remove(userId: string, by: AuditContext): Promise<void> {
    const cipher = this.ciphers.require();
    return this.audit.transaction('important', by, async (tx) => {
      const before = await this.store.remove(tx, userId);
      if (!before) throw new Problem('not_found', 'The user has no contact.');
      const act = actOn('contact.remove', userId, { before: toldOf(before, cipher), after: undefined });
      return { outcome: undefined, acts: [act] };
    });
  }

  /** Removes the contact, for its user. Throws Problem not_found when there is none. */
  async removeOwn(userId: string): Promise<void> {
    const before = await this.database.transaction('important', (tx) => this.store.remove(tx, userId));
    if (!before) throw new Problem('not_found', 'You have no contact.');
  }

  /** Returns the language of the user: that of the contact, else of a device; null where none is known. */
  localeOf(userId: string): Promise<string | null> {
    return this.store.localeOf(userId);
  }

  /** Returns at most twenty users who have this number, in E.164. */
  usersOfPhone(phone: string): Promise<string[]> {
    return this.store.usersOfPhone(this.ciphers.require().hashes(phone));
  }
}

function rowOf(contact: NewContact, cipher: ContactCipher): ContactRow {
  const { email, emailVerified, phone, phoneVerified, timezone = null, locale = null } = contact;
  return {
    email: email === undefined ? null : cipher.encrypt(email),
    emailVerified,
    phone: phone === undefined ? null : cipher.encrypt(phone),
    phoneHash: phone === undefined ? null : cipher.hash(phone),
    phoneVerified,
    timezone,
    locale,
  };
}

const contactOf = (stored: StoredContact, cipher: ContactCipher): Contact => ({
  ...stored,
  email: stored.email && cipher.decrypt(stored.email),
  phone: stored.phone && cipher.decrypt(stored.phone),
});

/** What the audit tells: that an address is another one, and not which, since the audit is not encrypted. */
function toldOf(stored: StoredContact, cipher: ContactCipher): AuditedFields {
  const { email, phone, updatedAt: _, ...others } = contactOf(stored, cipher);
  return {
    ...others,
    email: email && cipher.fingerprint(email),
    phone: phone && cipher.fingerprint(phone),
  };
}

const actOn = (
  action: AuditedAct['action'],
  userId: string,
  { before, after }: Pick<AuditedAct, 'before' | 'after'>,
): AuditedAct => ({
  action,
  target: { kind: 'user', id: userId },
  userId,
  before,
  after,
  result: isDeepStrictEqual(before, after) ? 'unchanged' : 'done',
});
