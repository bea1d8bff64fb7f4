-- Set or remove one field of a hash, with its audit entries, as one step: all of it or nothing.
-- KEYS[1] audit list   KEYS[2] audit head "n:hash"   KEYS[3] hash field -> record
-- ARGV[1] expected audit head ("" = empty)   ARGV[2] new audit head
-- ARGV[3] field      ARGV[4] its record ("" = removed)      ARGV[5..] audit entries, oldest first
-- Result: "ok", or "head" when somebody recorded something in between (nothing is written).
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[3], ARGV[3])
else
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
end
for i = 5, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
