import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

/** A customer has one user, unless the processor's own objects name several. */
const MAX_USERS = 100;

const LIST = named(
  'links-of-user',
  `SELECT processor, customer_id AS "customerId" FROM processor_link WHERE user_id = $1 ORDER BY processor`,
);
const REMOVE = named(
  'link-remove',
  'DELETE FROM processor_link WHERE user_id = $1 AND processor = $2 RETURNING customer_id AS "customerId"',
);
const FIND_USERS = named(
  'users-of-customer',
  `SELECT user_id AS "userId", bool_or(is_linked) AS "isLinked" FROM (
     SELECT user_id, true AS is_linked FROM processor_link WHERE processor = $1 AND customer_id = $2
     UNION ALL
     SELECT user_id, false FROM subscription WHERE processor = $1 AND customer_id = $2
   ) AS found GROUP BY user_id ORDER BY user_id LIMIT ${MAX_USERS}`,
);

/** A customer of a processor. */
export interface ProcessorCustomer {
  readonly processor: string;
  readonly customerId: string;
}

/** A user who is a customer of a processor: by a link, or else because a subscription of the customer belongs to them. */
export interface UserOfCustomer {
  readonly userId: string;
  readonly isLinked: boolean;
}

/** Reads and removes the links between processors' customers and users; PlanStore makes them. */
@Injectable()
export class LinkStore {
  constructor(private readonly database: Database) {}

  /** The user's links, by processor. */
  list(userId: string): Promise<ProcessorCustomer[]> {
    return this.database.run('important', LIST, [userId]);
  }

  /** Returns the id of the customer who the user was; undefined when the user has no link to that processor. */
  async remove(tx: Transaction, userId: string, processor: string): Promise<string | undefined> {
    return (await tx.run<{ customerId: string }>(REMOVE, [userId, processor]))[0]?.customerId;
  }

  /** The users who are this customer, by their ids. */
  findUsers({ processor, customerId }: ProcessorCustomer): Promise<UserOfCustomer[]> {
    return this.database.run('important', FIND_USERS, [processor, customerId]);
  }
}
