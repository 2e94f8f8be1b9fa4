{{ config(severity='warn') }}
select max(committed_at) as newest from {{ ref('stg_record') }}
having max(committed_at) < now() - interval '{{ var("freshness_hours") }} hours'
