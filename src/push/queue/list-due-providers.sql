-- Lists the providers through which a push of the tier is due: a look at the index for each, so that an idle provider costs no claim.
-- $1 text[] providers · $2 text tier
-- pause: push.fragments.ts, of an operator who holds them back
-- Returns a row each: provider.
SELECT provider
FROM unnest($1::text[]) AS p (provider)
WHERE EXISTS (
  SELECT FROM push WHERE push.vendor = provider AND tier = $2 AND state IN ('queued', 'sent') AND due_at <= now()
) AND NOT EXISTS ({{pause}})
