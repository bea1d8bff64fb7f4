-- Forget blocks that were put for a record that never came (its writer died in between).
-- KEYS 1 blocks hash  2 uses hash  3 loose zset
-- ARGV 1 put before this, unix ms
-- Result: how many.
local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1])
for _, digest in ipairs(old) do
  if redis.call('HEXISTS', KEYS[2], digest) == 0 then redis.call('HDEL', KEYS[1], digest) end
  redis.call('ZREM', KEYS[3], digest)
end
return #old
