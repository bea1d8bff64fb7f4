-- A push service says the subscription is gone (404, 410): keep neither endpoint nor home. What was told stays,
-- so that the person stands on the not-reached list.
-- KEYS 1 push  2 places  3 version  4 prekeys (one bucket)
-- ARGV pairs: subscription id, sealed push part the refused message was sent with
-- Result: how many were removed. One whose push part was renewed meanwhile stays.
local gone = 0
for at = 1, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('HGET', KEYS[1], id) == ARGV[at + 1] then
    redis.call('HDEL', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
    redis.call('HDEL', KEYS[4], id)
    gone = gone + 1
  end
end
if gone > 0 then redis.call('INCR', KEYS[3]) end
return gone
