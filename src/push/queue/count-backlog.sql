-- How much waits for each vendor, counted up to a limit; only what may be sent now.
-- $1 int  where counting stops
-- Out: vendor, tier, waiting.
SELECT vendor, tier, count(*)::int AS waiting
FROM (
  SELECT vendor, tier FROM push WHERE state IN ('queued', 'sent') AND due_at <= now() LIMIT $1
) due
GROUP BY vendor, tier
