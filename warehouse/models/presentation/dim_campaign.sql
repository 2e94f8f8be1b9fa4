{#- One row for each campaign, as it is now; made anew by each run, since campaigns are few. Members of whom the key was destroyed are not counted. -#}
{{ config(materialized='table') }}
with campaign as (
  select * from {{ ref('stg_campaign') }} where _op <> 'delete'
  qualify row_number() over (partition by name order by _id desc) = 1
)
select
  c.name, c.state, c.starts_at, c.expires_at, c.created_at, c.started_at, c.frozen_at, c.ended_at,
  count(m.state) as members,
  count(m.state) filter (m.state = 'queued') as queued,
  count(m.converted_at) as converted,
  null::varchar as _key_id,
  c._batch
from campaign c left join {{ ref('fct_campaign_members') }} m on m.campaign = c.name
group by c.name, c.state, c.starts_at, c.expires_at, c.created_at, c.started_at, c.frozen_at, c.ended_at, c._batch
