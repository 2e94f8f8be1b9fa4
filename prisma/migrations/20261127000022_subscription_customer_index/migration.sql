-- Who a processor's customer is, where no link says so: GET /v1/users?customer=….
CREATE INDEX CONCURRENTLY subscription_processor_customer_id_idx ON subscription (processor, customer_id);
