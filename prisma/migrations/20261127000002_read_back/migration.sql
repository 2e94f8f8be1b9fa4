-- Service keys that end by themselves, and when each was used last.
ALTER TABLE service_key ADD COLUMN expires_at timestamptz(3), ADD COLUMN last_used_at timestamptz(3);
