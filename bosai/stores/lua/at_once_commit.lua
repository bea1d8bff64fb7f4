-- Set or remove fields of one hash, with the audit entries of the decision, as one step: all of it or nothing.
-- KEYS[1] audit list   KEYS[2] audit head "n:hash"   KEYS[3] hash field -> record
-- ARGV[1] expected audit head ("" = empty)   ARGV[2] new audit head
-- ARGV[3] number of audit entries n, then n entries, oldest first
-- then pairs: field, its record ("" = removed)
-- Result: "ok", or "head" when somebody recorded something in between (nothing is written).
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
local entries = tonumber(ARGV[3])
for i = 4 + entries, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[3], ARGV[i])
  else
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
for i = 4, 3 + entries do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
