-- Keys that were destroyed, and whose erased_lsn is not known yet: the worker writes it once it sees that the erasure is committed.
CREATE INDEX CONCURRENTLY warehouse_key_destroyed_idx ON warehouse_key (user_id) WHERE key IS NULL AND erased_lsn IS NULL;
