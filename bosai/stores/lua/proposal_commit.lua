-- Write proposals with their audit entries, only when the audit head is the one the decision was made on.
-- KEYS[1] audit list   KEYS[2] audit head "n:hash"   KEYS[3] proposals hash id -> record
-- ARGV[1] expected head ("" = empty)   ARGV[2] new head
-- ARGV[3] number of audit entries n, then n entries, then pairs: proposal id, record ("" = it leaves)
-- Result: "ok", or "head" (nothing is written).
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
local entries = tonumber(ARGV[3])
for i = 4, 3 + entries do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
for i = 4 + entries, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[3], ARGV[i])
  else
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
