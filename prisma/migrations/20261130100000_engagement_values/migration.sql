-- The names that were counted in a day: of kinds, teams, campaigns and so on. Beyond a number of them, others are counted as '(other)'.
CREATE TABLE engagement_value (
  dimension text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  day date NOT NULL,
  PRIMARY KEY (dimension, value, day)
);
CREATE INDEX engagement_value_day_idx ON engagement_value (day, dimension);
