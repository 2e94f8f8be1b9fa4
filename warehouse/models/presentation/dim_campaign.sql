{#-
  One row for each campaign, as it is now; made anew by each run, since campaigns are few. Members of whom the key was destroyed are not counted. A campaign
  to everyone that was published has a broadcast and no members: whom it reached is not known, so the three counts are null.
-#}
{{ config(materialized='table') }}
with campaign as (
  select * from {{ sound('campaign') }} where _op <> 'delete'
  qualify row_number() over (partition by name order by _id desc) = 1
)
select
  c.name, c.state, c.starts_at, c.expires_at, c.created_at, c.started_at, c.frozen_at, c.ended_at, c.broadcast_id,
  case when c.broadcast_id is null then count(m.state) end as members,
  case when c.broadcast_id is null then count(m.state) filter (m.state = 'queued') end as queued,
  case when c.broadcast_id is null then count(m.converted_at) end as converted,
  null::varchar as _key_id,
  c._batch
from campaign c left join {{ ref('fct_campaign_members') }} m on m.campaign = c.name
group by
  c.name, c.state, c.starts_at, c.expires_at, c.created_at, c.started_at, c.frozen_at, c.ended_at, c.broadcast_id, c._batch
