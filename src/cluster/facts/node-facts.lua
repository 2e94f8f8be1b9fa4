-- Publishes what a node says of itself, or reads what all nodes say. Atomic, as every script.
-- KEYS[1] sorted set: node id, scored by when it published last in ms · KEYS[2] hash: node id, its facts as JSON
-- ARGV[1] age in ms from which on facts no longer count; they are removed · ARGV[2] node id and ARGV[3] its facts, or nothing to read
-- Returns nothing to a node that publishes, else the hash: { node id, facts, … }.
-- The time is Redis' own, so the clocks of the nodes may differ.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
if not ARGV[2] then return redis.call('HGETALL', KEYS[2]) end
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return {}
