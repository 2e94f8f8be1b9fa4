-- The key with which a user's rows are encrypted in the raw zone of the warehouse. Erasing the user destroys it. `erased_lsn`: a place in
-- PostgreSQL's log; of what comes before it, nothing of the user may be written any more. The row goes once the log has been read up to there.
CREATE TABLE warehouse_key (
  user_id text COLLATE "C" NOT NULL,
  key_id uuid NOT NULL DEFAULT gen_random_uuid(),
  key bytea,
  erased_lsn bigint,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, bucket)
);
CREATE INDEX warehouse_key_erased_idx ON warehouse_key (erased_lsn) WHERE erased_lsn IS NOT NULL;
