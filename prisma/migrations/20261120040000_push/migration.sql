-- Push: addresses that belong to one device, preferences of users, the clock of the fallback, and one row for each event that a
-- sleeping device is told. See docs/decisions/push-is-asked-at-the-last-moment.md.

ALTER TABLE device ADD COLUMN push_registered_at timestamptz(3);
UPDATE device SET push_registered_at = last_seen_at WHERE push IS NOT NULL;
-- Of several devices with one address, the one that was seen last has it.
UPDATE device d SET push = NULL
WHERE push IS NOT NULL AND EXISTS (
  SELECT 1 FROM device o
  WHERE o.push ->> 'address' = d.push ->> 'address' AND (o.last_seen_at, o.device_id) > (d.last_seen_at, d.device_id)
);
CREATE UNIQUE INDEX device_push_address_key ON device ((push ->> 'address'));
CREATE INDEX device_last_seen_at_idx ON device (last_seen_at);

CREATE TABLE preference (
  user_id text COLLATE "C" PRIMARY KEY,
  body jsonb NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

-- One row a commit, as with handoff: what must be looked at again when the time for receipts has passed.
CREATE TABLE fallback (
  id uuid PRIMARY KEY,
  tier text NOT NULL,
  positions json NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX fallback_tier_created_at_idx ON fallback (tier, created_at);

CREATE TABLE push (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  event_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  type text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('critical', 'important')),
  epoch text NOT NULL,
  "offset" bigint NOT NULL,
  vendor text NOT NULL CHECK (vendor IN ('apns', 'fcm', 'webpush')),
  action text NOT NULL DEFAULT 'show' CHECK (action IN ('show', 'clear')),
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'sent', 'delivered', 'cleared', 'withdrawn', 'expired', 'gone', 'failed')),
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  due_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  PRIMARY KEY (user_id, device_id, event_id)
) WITH (fillfactor = 80);
-- The queue is only this index: what is settled is not in it, and a lane is never behind another one.
CREATE INDEX push_due_idx ON push (vendor, tier, due_at) WHERE state IN ('queued', 'sent');
CREATE INDEX push_device_id_idx ON push (device_id) WHERE state IN ('queued', 'sent');
CREATE INDEX push_settled_at_idx ON push (settled_at) WHERE settled_at IS NOT NULL;

-- A device that changes hands, signs out or loses its address: what is queued for it ends in the same commit, whoever wrote.
CREATE FUNCTION push_ends_with_its_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE push SET state = 'withdrawn', reason = 'device_changed', settled_at = now()
  WHERE device_id = OLD.device_id AND state IN ('queued', 'sent');
  RETURN NULL;
END $$;
CREATE TRIGGER device_moved AFTER UPDATE ON device FOR EACH ROW
  WHEN (OLD.user_id <> NEW.user_id OR (OLD.push IS NOT NULL AND NEW.push IS NULL))
  EXECUTE FUNCTION push_ends_with_its_device();
CREATE TRIGGER device_removed AFTER DELETE ON device FOR EACH ROW
  WHEN (OLD.push IS NOT NULL)
  EXECUTE FUNCTION push_ends_with_its_device();
