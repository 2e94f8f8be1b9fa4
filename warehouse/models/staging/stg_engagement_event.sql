{{ config(materialized='view') }}
{{ staged('engagement_event') }}
