-- Append entries to the audit log, only when its head is the one they were computed on.
-- KEYS[1] audit: list of entries     KEYS[2] audit head: string "n:hash"
-- ARGV[1] expected head ("" = the log is empty)   ARGV[2] new head   ARGV[3..] entries, oldest first
-- Result: "ok", or "head" when somebody else appended in between (nothing is written).
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
for i = 3, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
