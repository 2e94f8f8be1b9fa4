-- Which list it is: one that is removed and made anew under its name is another one.
ALTER TABLE audience ADD COLUMN created_at timestamptz(3) NOT NULL DEFAULT now();

-- Since when a user is on a list. Those who were there before are older than any campaign.
ALTER TABLE audience_member ADD COLUMN added_at timestamptz(3) NOT NULL DEFAULT '-infinity';
ALTER TABLE audience_member ALTER COLUMN added_at SET DEFAULT clock_timestamp();

-- How often in a row its work failed, and when it is tried again.
ALTER TABLE campaign
  ADD COLUMN failures smallint NOT NULL DEFAULT 0,
  ADD COLUMN retry_at timestamptz(3);

-- When it went on last: what stands still is reported.
ALTER TABLE campaign_walk ADD COLUMN advanced_at timestamptz(3) NOT NULL DEFAULT now();
ALTER TABLE campaign_tally ADD COLUMN updated_at timestamptz(3) NOT NULL DEFAULT now();

-- When the goal of the campaign happened to the member.
ALTER TABLE campaign_member ADD COLUMN converted_at timestamptz(3);

-- Workers hold a campaign up that cannot go on, and the audit tells of it.
ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_actor_kind_check;
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_actor_kind_check
  CHECK (actor_kind = ANY (ARRAY['key', 'person', 'worker'])) NOT VALID;
