{#-
  What became of each member of each campaign: queued by which channel, skipped why, and when the goal of the campaign happened. Rows that PostgreSQL
  removes because they are old stay here.
-#}
{{ config(unique_key=['campaign', 'user_id']) }}
select campaign, user_id, state, reason, audience, channel, event_id, frozen_at, settled_at, converted_at, _key_id, _batch
from {{ sound('campaign_member') }}
where _op <> 'delete'
  and (campaign, user_id) in ({{ touched(sound('campaign_member'), 'campaign, user_id') }})
qualify row_number() over (partition by campaign, user_id order by _id desc) = 1
