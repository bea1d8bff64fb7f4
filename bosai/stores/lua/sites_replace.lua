-- Write the outcome of one import: records, capacities and the catalogue made of them, together.
-- KEYS 1 records hash  2 capacities hash  3 catalogue hash  4 version string
-- ARGV 1 version the import was computed on ("0" = none yet)
--      then three groups, each: number of pairs n, n times (field, value), number of deletions d, d fields
--      (records, capacities, catalogue, in this order)
-- Result: the new version, or -1 when another import was quicker (nothing is written).
if (redis.call('GET', KEYS[4]) or '0') ~= ARGV[1] then return -1 end
local at = 2
for group = 1, 3 do
  local pairs_left = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, pairs_left do
    redis.call('HSET', KEYS[group], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
  local fields_left = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, fields_left do
    redis.call('HDEL', KEYS[group], ARGV[at])
    at = at + 1
  end
end
return redis.call('INCR', KEYS[4])
