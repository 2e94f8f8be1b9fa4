{{ staged('campaign_member') }}
