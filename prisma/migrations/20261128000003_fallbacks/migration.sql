-- What follows a push that nobody confirmed: for events of this type a text or mail, so many seconds after the push was queued.
CREATE TABLE fallback (
  type text COLLATE "C" NOT NULL PRIMARY KEY,
  channels text[] NOT NULL,
  after_seconds integer NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

-- A message that tells of an event: its words are made when it is sent. `is_fallback`: it is withdrawn once a device confirms the event.
ALTER TABLE message
  ADD COLUMN event_id uuid,
  ADD COLUMN event_type text,
  ADD COLUMN event_key text,
  ADD COLUMN is_fallback boolean NOT NULL DEFAULT false;
