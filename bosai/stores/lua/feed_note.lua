-- What the poller of the feeds has done, written by the holder of its lease only.
-- KEYS 1 fence  2 seen entries, zset id → unix ms  3 sources, hash name → health
-- ARGV 1 lease token, "" = the writer holds no lease  2 how many seen entries are kept  3 how many follow
--      then that many pairs: unix ms, entry id
--      then pairs: name of a source, its health
-- Result: 1 written, 0 refused: somebody with a higher token polls now.
local token = tonumber(ARGV[1])
if token then
  local highest = tonumber(redis.call('GET', KEYS[1]) or '0')
  if token < highest then return 0 end
  if token > highest then redis.call('SET', KEYS[1], ARGV[1]) end
end
local at = 4
for _ = 1, tonumber(ARGV[3]) do
  redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[2]) - 1)
while at < #ARGV do
  redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1])
  at = at + 2
end
return 1
