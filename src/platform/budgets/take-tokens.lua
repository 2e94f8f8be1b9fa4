-- Takes tokens from a bucket. Atomic. The Redis server's clock decides, so that all workers share one budget.
-- KEYS[1] hash: the bucket · ARGV: tokens a second, capacity, tokens wanted (negative: returned), tokens that must stay
-- Returns { tokens granted, milliseconds until one more could be granted }
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local rate, burst, wanted, reserve = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(bucket[1] or burst)
local at = tonumber(bucket[2] or now)
level = math.min(burst, level + math.max(0, now - at) * rate)
local granted = wanted
if wanted > 0 then granted = math.max(0, math.min(wanted, math.floor(level - reserve))) end
level = math.min(burst, level - granted)
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return { granted, math.max(0, math.ceil((1 + reserve - level) / rate * 1000)) }
