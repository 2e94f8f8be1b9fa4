{{ config(materialized='view') }}
{{ staged('message') }}
