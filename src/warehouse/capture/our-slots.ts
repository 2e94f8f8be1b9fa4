/** A condition over pg_replication_slots: a slot by which the warehouse of this database is captured. */
export const OUR_SLOTS = `database = current_database() AND slot_name LIKE 'usher\\_warehouse\\_%' AND NOT temporary`;

/** An expression over pg_replication_slots: whether PostgreSQL gave the slot up. */
export const IS_LOST = `wal_status = 'lost' OR invalidation_reason IS NOT NULL`;
