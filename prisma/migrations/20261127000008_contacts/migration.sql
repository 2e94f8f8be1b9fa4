-- How users are reached without the app. Addresses are encrypted under CONTACT_KEY; a number is found by a keyed hash. One address may belong
-- to several users.
CREATE TABLE contact (
  user_id text COLLATE "C" NOT NULL,
  email bytea,
  email_verified boolean NOT NULL,
  phone bytea,
  phone_hash bytea,
  phone_verified boolean NOT NULL,
  timezone text,
  locale text,
  updated_at timestamptz(3) NOT NULL DEFAULT now(),
  bucket smallint NOT NULL,
  PRIMARY KEY (user_id, bucket)
);
CREATE INDEX contact_phone_hash_idx ON contact (phone_hash);
