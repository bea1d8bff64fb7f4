-- Somebody has looked at a telegram that could not be read: off the list, with the audit entry, as one step.
-- KEYS[1] audit list   KEYS[2] audit head "n:hash"   KEYS[3] zset of keys to be looked at
-- ARGV[1] expected audit head ("" = empty)   ARGV[2] new audit head   ARGV[3] telegram key   ARGV[4..] audit entries
-- Result: "ok"; "head" when somebody recorded something in between; "gone" when it is not on the list (any more).
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
if redis.call('ZREM', KEYS[3], ARGV[3]) == 0 then
  return 'gone'
end
for i = 4, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
