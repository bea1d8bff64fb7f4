-- Forget one subscriber wholly: both parts, and everything ever told.
-- KEYS 1 push  2 places  3 meta  4 version  5 told  6 instructions  7 deliveries  8 due (one bucket)
-- ARGV 1 subscription id  2 meta as it was read
-- Result: 1 forgotten, 0 it was changed meanwhile: read again.
local id = ARGV[1]
if (redis.call('HGET', KEYS[3], id) or '') ~= ARGV[2] then return 0 end
for incident in string.gmatch(redis.call('HGET', KEYS[5], id) or '', '%S+') do
  local member = incident .. '/' .. id
  redis.call('HDEL', KEYS[6], member)
  redis.call('HDEL', KEYS[7], member)
  redis.call('ZREM', KEYS[8], member)
end
redis.call('HDEL', KEYS[5], id)
redis.call('HDEL', KEYS[1], id)
redis.call('HDEL', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
redis.call('INCR', KEYS[4])
return 1
