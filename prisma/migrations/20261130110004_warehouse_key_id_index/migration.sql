-- A snapshot that goes on after a row finds the key of the row's user by it.
CREATE INDEX CONCURRENTLY warehouse_key_key_id_idx ON warehouse_key (key_id);
