-- Put one-time pairs beside the subscribers they were made for; never more than the target, never for other keys.
-- KEYS 1 push  2 prekeys (one bucket)
-- ARGV 1 bytes of one pair  2 pairs each subscriber shall have at most
--      then 3 each: subscription id, sealed push part as it was read, pairs one behind the other
-- Result: how many pairs were added. Those of a push part that changed or went meanwhile are dropped.
local size, target, added = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
for at = 3, #ARGV, 3 do
  local id, pairs_new = ARGV[at], ARGV[at + 2]
  if redis.call('HGET', KEYS[1], id) == ARGV[at + 1] then
    local room = target - redis.call('HSTRLEN', KEYS[2], id) / size
    local many = math.min(math.floor(room), #pairs_new / size)
    if many > 0 then
      -- The new ones go to the front: pairs are taken from the end, the oldest first.
      redis.call('HSET', KEYS[2], id,
        string.sub(pairs_new, 1, many * size) .. (redis.call('HGET', KEYS[2], id) or ''))
      added = added + many
    end
  end
end
return added
