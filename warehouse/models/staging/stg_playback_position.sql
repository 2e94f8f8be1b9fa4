{{ staged('playback_position') }}
