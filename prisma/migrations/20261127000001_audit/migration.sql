-- Who changed what, when and why: each entry is written in the transaction of what it tells.
CREATE TABLE audit_entry (
  id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
  at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  actor_kind text NOT NULL CHECK (actor_kind = ANY (ARRAY['key', 'person'])),
  actor_id text COLLATE "C" NOT NULL,
  actor_name text NOT NULL,
  role text NOT NULL,
  action text COLLATE "C" NOT NULL,
  target_kind text NOT NULL,
  target_id text,
  user_id text COLLATE "C",
  before json,
  after json,
  reason text,
  request_id text NOT NULL,
  result text NOT NULL CHECK (result = ANY (ARRAY['done', 'unchanged', 'accepted']))
);
CREATE INDEX audit_entry_at_idx ON audit_entry (at, id);
CREATE INDEX audit_entry_user_idx ON audit_entry (user_id, at, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_entry_actor_idx ON audit_entry (actor_id, at, id);
CREATE INDEX audit_entry_action_idx ON audit_entry (action, at, id);

-- The audit is append only. An entry can lose what is personal, when its user is erased, and nothing else of it changes; it can be removed
-- when it is older than the least AUDIT_RETENTION_DAYS.
CREATE FUNCTION audit_entry_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  personal text[] := ARRAY['user_id', 'target_id', 'before', 'after', 'reason'];
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days' THEN
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - personal = to_jsonb(OLD) - personal
    AND num_nonnulls(NEW.user_id, NEW.target_id, NEW.before, NEW.after, NEW.reason) = 0 THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit is append only';
END $$;
CREATE TRIGGER audit_entry_stands BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_entry_stands();
CREATE TRIGGER audit_entry_stands_whole BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stands();
