-- Service keys that end by themselves, and when each was used last.
ALTER TABLE service_key ADD COLUMN expires_at timestamptz(3), ADD COLUMN last_used_at timestamptz(3);

-- The nightly files that were sent: two statements each, however long the file is. A run whose node died has no end.
CREATE TABLE recommendation_run (
  id uuid PRIMARY KEY,
  key_id text NOT NULL,
  on_invalid text NOT NULL CHECK (on_invalid IN ('skip', 'refuse')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'refused', 'failed')),
  counts json NOT NULL DEFAULT '{}',
  rejected json NOT NULL DEFAULT '[]',
  error json,
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  ended_at timestamptz(3)
);
CREATE INDEX recommendation_run_started_at_id_idx ON recommendation_run (started_at, id);
