{{ staged('receipt') }}
