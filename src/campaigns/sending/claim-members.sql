-- Claims members of a running campaign whose turn it is, the longest due first, until the transaction ends. Those that another worker has locked are
-- skipped. A campaign that does not run has none: so a pause holds from the next claim on.
-- $1 text campaign · $2 int how many at most · $3 int days in which campaigns count for the cap · $4 int where their count stops
-- place: contacts/contact.fragments.ts · preferences, canBePushed, hasDevices: devices/device.fragments.ts · hasMail, hasPhone: contacts/contact.fragments.ts
-- Returns userId, data, locale, preferences (null for a user who has set none), recent (campaigns that the person got), and whether there is a
-- way by push, email, sms and app.
WITH claimed AS MATERIALIZED (
  SELECT m.user_id, m.data FROM campaign_member m
  WHERE m.campaign = $1 AND m.state = 'pending' AND m.due_at <= now()
    AND EXISTS (SELECT FROM campaign c WHERE c.name = $1 AND c.state = 'running')
  ORDER BY m.due_at, m.user_id LIMIT $2
  FOR UPDATE OF m SKIP LOCKED
)
SELECT claimed.user_id AS "userId", claimed.data, {{facts}}
FROM claimed
{{joins}}
