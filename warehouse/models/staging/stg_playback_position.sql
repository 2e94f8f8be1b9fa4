{{ config(materialized='view') }}
{{ staged('playback_position') }}
