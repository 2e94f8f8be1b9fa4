-- Keys that were destroyed. The worker writes erased_lsn once it sees that the erasure is committed: until then it is null.
CREATE INDEX CONCURRENTLY warehouse_key_destroyed_idx ON warehouse_key (erased_lsn) WHERE key IS NULL;
