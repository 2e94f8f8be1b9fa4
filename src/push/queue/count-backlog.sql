-- Counts the pushes that are due, by provider and tier, up to a limit.
-- $1 int  where counting stops
-- Returns provider, tier, waiting.
SELECT vendor AS provider, tier, count(*)::int AS waiting
FROM (
  SELECT vendor, tier FROM push WHERE state IN ('queued', 'sent') AND due_at <= now() LIMIT $1
) due
GROUP BY vendor, tier
