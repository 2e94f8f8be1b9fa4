{{ staged('campaign') }}
