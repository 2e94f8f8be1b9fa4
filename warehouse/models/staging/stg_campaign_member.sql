{{ config(materialized='view') }}
{{ staged('campaign_member') }}
