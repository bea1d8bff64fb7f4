-- A push service says the subscription is gone (404, 410): keep neither endpoint nor home. What was told stays,
-- so that the person stands on the not-reached list.
-- KEYS 1 push  2 places  3 version  4 prekeys (one bucket)
-- ARGV pairs: subscription id, sealed push part the refused message was sent with
-- Result: the ids that are gone, now or before. One whose push part was renewed meanwhile stays.
local gone, removed = {}, false
for at = 1, #ARGV, 2 do
  local id = ARGV[at]
  local held = redis.call('HGET', KEYS[1], id)
  if not held then gone[#gone + 1] = id end
  if held == ARGV[at + 1] then
    redis.call('HDEL', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
    redis.call('HDEL', KEYS[4], id)
    gone[#gone + 1] = id
    removed = true
  end
end
if removed then redis.call('INCR', KEYS[3]) end
return gone
