import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import { placeOfUser } from './contact.fragments.js';

const COLUMNS = `email, email_verified AS "emailVerified", phone, phone_verified AS "phoneVerified", timezone, locale,
  iso(updated_at) AS "updatedAt"`;
const GET = named('contact', `SELECT ${COLUMNS} FROM contact WHERE user_id = $1`);
const LOCK = named('contact-lock', `SELECT ${COLUMNS} FROM contact WHERE user_id = $1 FOR UPDATE`);
const PUT = named(
  'contact-put',
  `INSERT INTO contact AS c
     (user_id, email, email_verified, phone, phone_hash, phone_verified, timezone, locale, bucket)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, bucket_of($1))
   ON CONFLICT (user_id, bucket) DO UPDATE SET
     email = excluded.email, email_verified = excluded.email_verified, phone = excluded.phone,
     phone_hash = excluded.phone_hash, phone_verified = excluded.phone_verified, timezone = excluded.timezone,
     locale = excluded.locale, updated_at = now()
   RETURNING ${COLUMNS}`,
);
const REMOVE = named('contact-remove', `DELETE FROM contact WHERE user_id = $1 RETURNING ${COLUMNS}`);
const LOCALE = named('user-locale', `SELECT p.locale FROM (${placeOfUser('$1')}) p`);
/** Numbers are shared by families and small offices. */
const MAX_USERS = 20;
const FIND_BY_PHONE = named(
  'contacts-of-phone',
  `SELECT user_id AS "userId" FROM contact WHERE phone_hash = ANY ($1) ORDER BY user_id LIMIT ${MAX_USERS}`,
);

/** A row of contact. Addresses are as ContactCipher encrypted them. */
export interface StoredContact {
  readonly email: Uint8Array | null;
  readonly emailVerified: boolean;
  readonly phone: Uint8Array | null;
  readonly phoneVerified: boolean;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly updatedAt: string;
}

/** A contact that is to be stored. */
export type ContactRow = Omit<StoredContact, 'updatedAt'> & { readonly phoneHash: Uint8Array | null };

/** How users are reached without the app. Addresses are encrypted; numbers are found by their keyed hash. */
@Injectable()
export class ContactStore {
  constructor(private readonly database: Database) {}

  /** Returns undefined for a user without one. */
  async get(userId: string): Promise<StoredContact | undefined> {
    return (await this.database.run<StoredContact>('important', GET, [userId]))[0];
  }

  /** The same; nobody else changes it until the end of the transaction. */
  async lock(tx: Transaction, userId: string): Promise<StoredContact | undefined> {
    return (await tx.run<StoredContact>(LOCK, [userId]))[0];
  }

  /** Replaces the user's contact, and returns it. */
  async put(tx: Transaction, userId: string, row: ContactRow): Promise<StoredContact> {
    const { email, emailVerified, phone, phoneHash, phoneVerified, timezone, locale } = row;
    const values = [userId, email, emailVerified, phone, phoneHash, phoneVerified, timezone, locale];
    const [stored] = await tx.run<StoredContact>(PUT, values);
    if (!stored) throw new Error('a statement that puts a row returns it');
    return stored;
  }

  /** Returns what was removed; undefined when there was nothing. */
  async remove(tx: Transaction, userId: string): Promise<StoredContact | undefined> {
    return (await tx.run<StoredContact>(REMOVE, [userId]))[0];
  }

  /** Returns the user's language: of the contact, else of a device; null where none is known. */
  async localeOf(userId: string): Promise<string | null> {
    return (
      (await this.database.run<{ locale: string | null }>('important', LOCALE, [userId]))[0]?.locale ?? null
    );
  }

  /** Returns at most twenty users who have the number with one of these hashes. */
  async usersOfPhone(hashes: readonly Uint8Array[]): Promise<string[]> {
    const rows = await this.database.run<{ userId: string }>('important', FIND_BY_PHONE, [hashes]);
    return rows.map(({ userId }) => userId);
  }
}
