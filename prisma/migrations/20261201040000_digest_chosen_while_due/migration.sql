-- Changed preferences: digests that they choose, or allow again. A worker that has claimed the plan may have read the preferences of before, and remove it:
-- DO UPDATE waits for it, also where its condition is false, and inserts the plan anew when it is gone. One that is due, or will be before this commits, is
-- planned anew from its last date, so that a claim that saw the preferences of before does not find it due any more. Others stay as they are.
CREATE OR REPLACE FUNCTION digest_plan_for_preference() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO digest_plan AS p (user_id, digest, after_offset, bucket)
  SELECT NEW.user_id, d.name, coalesce(m.last_offset, 0), NEW.bucket
  FROM digest_definition d LEFT JOIN mailbox m ON m.user_id = NEW.user_id
  WHERE NOT d.is_removed AND CASE WHEN d.opt_in THEN digest_is_chosen(NEW.body, d.categories) ELSE m.user_id IS NOT NULL END
  ORDER BY d.name
  ON CONFLICT (user_id, digest, bucket) DO UPDATE SET next_run_at = '-infinity'
  WHERE p.next_run_at < now() + interval '1 minute';
  RETURN NULL;
END $$;
