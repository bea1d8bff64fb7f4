-- How the one-time pairs of one bucket stand.
-- KEYS 1 push  2 prekeys (one bucket)
-- ARGV 1 bytes of one pair
-- Result: subscribers, pairs, subscribers without a pair.
local size, subscribers, many, without = tonumber(ARGV[1]), 0, 0, 0
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
  local own = math.floor(redis.call('HSTRLEN', KEYS[2], id) / size)
  subscribers = subscribers + 1
  many = many + own
  if own == 0 then without = without + 1 end
end
return { subscribers, many, without }
