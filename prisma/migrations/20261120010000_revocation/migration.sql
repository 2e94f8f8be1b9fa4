-- Tokens that are refused although their signature is good. Nodes keep all of them in memory and read what is new by `seq`, which grows
-- in the order of commits (the writer holds a lock).
CREATE SEQUENCE revocation_seq;

CREATE TABLE revocation (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL DEFAULT '',
  token_id text COLLATE "C" NOT NULL DEFAULT '',
  not_before timestamptz(3) NOT NULL DEFAULT now(),
  seq bigint NOT NULL DEFAULT nextval('revocation_seq'),
  PRIMARY KEY (user_id, device_id, token_id)
);
CREATE UNIQUE INDEX revocation_seq_idx ON revocation (seq);
