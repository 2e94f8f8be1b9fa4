{{ config(materialized='view') }}
{{ staged('push') }}
