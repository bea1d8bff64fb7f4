-- Which subscribers of one bucket have fewer one-time pairs than they shall have, in the order of their ids.
-- KEYS 1 push  2 prekeys (one bucket)
-- ARGV 1 bytes of one pair  2 pairs each shall have  3 only ids after this one ("" = from the first)  4 how many ids
-- Result: 3 each: subscription id, sealed push part, how many pairs are missing. Fewer ids than asked for: the end.
local size, each, after, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local lacking, short = {}, {}
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
  if id > after then
    local missing = each - math.floor(redis.call('HSTRLEN', KEYS[2], id) / size)
    if missing > 0 then
      lacking[#lacking + 1] = id
      short[id] = missing
    end
  end
end
table.sort(lacking)
local found = {}
for at = 1, math.min(limit, #lacking) do
  local id = lacking[at]
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', KEYS[1], id)
  found[#found + 1] = short[id]
end
return found
