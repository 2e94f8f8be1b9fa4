{{ staged('device') }}
