{{ config(materialized='view') }}
{{ staged('plan') }}
