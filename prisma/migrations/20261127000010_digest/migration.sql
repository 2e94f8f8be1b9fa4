-- Digests: what the back office defined, when each user's next one is due, and what became of each local date.
CREATE TABLE digest_definition (
  name text COLLATE "C" PRIMARY KEY,
  body json NOT NULL,
  categories text[] NOT NULL,
  opt_in boolean NOT NULL,
  is_removed boolean NOT NULL DEFAULT false,
  changed_in bigint NOT NULL,
  walked_to text COLLATE "C",
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

-- A row for each user of each digest. `-infinity`: it must be planned anew.
CREATE TABLE digest_plan (
  user_id text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  next_run_at timestamptz(3) NOT NULL DEFAULT '-infinity',
  last_date text COLLATE "C",
  after_offset bigint NOT NULL,
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, digest, bucket)
);
CREATE INDEX digest_plan_due_idx ON digest_plan (digest, next_run_at);

CREATE TABLE digest_run (
  user_id text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  local_date text COLLATE "C" NOT NULL,
  timezone text NOT NULL,
  due_at timestamptz(3) NOT NULL,
  state text NOT NULL CHECK (state = ANY (ARRAY['collecting', 'handed_off', 'empty', 'skipped'])),
  reason text,
  event_id uuid,
  events integer NOT NULL DEFAULT 0,
  at timestamptz(3) NOT NULL,
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, digest, local_date, bucket)
);
CREATE INDEX digest_run_at_idx ON digest_run (at);

-- What a plan follows from belongs to other folders, whose writes must not be missed: a trigger is in their transaction, and costs nothing
-- where there is no digest.

-- A user's first event: digests that are for everyone.
CREATE FUNCTION digest_plan_for_new_mailbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO digest_plan (user_id, digest, after_offset, bucket)
  SELECT NEW.user_id, d.name, 0, NEW.bucket FROM digest_definition d WHERE NOT d.opt_in AND NOT d.is_removed
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER digest_plan_for_new_mailbox AFTER INSERT ON mailbox
  FOR EACH ROW EXECUTE FUNCTION digest_plan_for_new_mailbox();

-- Whether preferences choose a digest for one of the categories.
CREATE FUNCTION digest_is_chosen(preferences jsonb, categories text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT EXISTS (SELECT FROM unnest(categories) AS c (name) WHERE preferences #>> ARRAY['categories', c.name, 'delivery'] = 'digest')
$$;

-- Changed preferences: digests that they choose, or allow again.
CREATE FUNCTION digest_plan_for_preference() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO digest_plan (user_id, digest, after_offset, bucket)
  SELECT NEW.user_id, d.name, coalesce(m.last_offset, 0), NEW.bucket
  FROM digest_definition d LEFT JOIN mailbox m ON m.user_id = NEW.user_id
  WHERE NOT d.is_removed AND CASE WHEN d.opt_in THEN digest_is_chosen(NEW.body, d.categories) ELSE m.user_id IS NOT NULL END
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER digest_plan_for_preference AFTER INSERT OR UPDATE OF body ON preference
  FOR EACH ROW EXECUTE FUNCTION digest_plan_for_preference();

-- Another time zone, of the contact or of a device: all plans of the user.
CREATE FUNCTION digest_plan_for_timezone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE digest_plan SET next_run_at = '-infinity' WHERE user_id = coalesce(NEW.user_id, OLD.user_id);
  RETURN NULL;
END $$;
CREATE TRIGGER digest_plan_for_timezone AFTER UPDATE OF timezone ON device
  FOR EACH ROW WHEN (NEW.timezone IS DISTINCT FROM OLD.timezone) EXECUTE FUNCTION digest_plan_for_timezone();
CREATE TRIGGER digest_plan_for_new_device AFTER INSERT ON device
  FOR EACH ROW WHEN (NEW.timezone IS NOT NULL) EXECUTE FUNCTION digest_plan_for_timezone();
CREATE TRIGGER digest_plan_for_timezone AFTER UPDATE OF timezone ON contact
  FOR EACH ROW WHEN (NEW.timezone IS DISTINCT FROM OLD.timezone) EXECUTE FUNCTION digest_plan_for_timezone();
CREATE TRIGGER digest_plan_for_new_contact AFTER INSERT OR DELETE ON contact
  FOR EACH ROW EXECUTE FUNCTION digest_plan_for_timezone();
