-- How far a nightly file is, and when its node last said so: a run whose node died is told apart from one that goes on.
ALTER TABLE recommendation_run ADD COLUMN seen_at timestamptz(3);
