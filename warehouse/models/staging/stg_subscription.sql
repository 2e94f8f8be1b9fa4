{{ config(materialized='view') }}
{{ staged('subscription') }}
