-- A node's sign of life.
-- KEYS[1] the sorted set of nodes · ARGV[1] node id, or '' to only look · ARGV[2] ms after which a silent node counts as gone
-- Out: { 1 if the node was known before, else 0, the ids of all living nodes }. Not known means that Redis lost its memory,
-- or that the node was silent too long: it must register its users anew. Redis' own clock decides, so the nodes' may differ.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[1] ~= '' then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
return { known and 1 or 0, redis.call('ZRANGE', KEYS[1], 0, -1) }
