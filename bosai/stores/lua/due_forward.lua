-- The clock was set back: what was put off by the old one comes earlier by as much, but not before now.
-- KEYS 1 due
-- ARGV 1 now in s  2 by how many seconds the clock was set back
-- Result: how many were moved.
local now, back = tonumber(ARGV[1]), tonumber(ARGV[2])
local later = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES')
for at = 1, #later, 2 do
  redis.call('ZADD', KEYS[1], string.format('%.3f', math.max(now, later[at + 1] - back)), later[at])
end
return #later / 2
