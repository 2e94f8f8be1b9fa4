{{ staged('engagement_event') }}
