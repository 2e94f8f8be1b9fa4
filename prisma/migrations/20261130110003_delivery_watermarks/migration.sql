-- Deliveries are counted from now on, whenever a worker first looks for them (scansOf in engagement/deliveries/delivery-scan.ts). Receipts of other types
-- than those of campaigns are counted from when they are first named.
INSERT INTO engagement_watermark (name) VALUES
  ('messages 60'), ('pushes 60'), ('campaign receipts 60'), ('campaign receipts 3600'), ('campaign receipts 86400'), ('conversions 60')
ON CONFLICT DO NOTHING;
