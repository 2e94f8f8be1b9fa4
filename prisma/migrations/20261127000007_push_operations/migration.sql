-- Pushes that an operator holds back: a row for each provider. Read by each claim of pushes, so that it holds on all nodes at once.
CREATE TABLE push_pause (
  vendor text COLLATE "C" PRIMARY KEY,
  critical boolean NOT NULL,
  since timestamptz(3) NOT NULL DEFAULT now()
);

-- What became of pushes, counted by spans of five minutes (`at` is where one begins): a row for each outcome, however many pushes there are.
CREATE TABLE push_result (
  at timestamptz(3) NOT NULL,
  vendor text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (at, vendor, state, reason)
);
