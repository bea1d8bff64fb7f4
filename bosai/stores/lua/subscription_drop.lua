-- Forget one subscriber wholly: both parts, its one-time pairs, and everything ever told.
-- KEYS 1 push  2 places  3 meta  4 version  5 told  6 instructions  7 deliveries  8 due  9 counts  10 prekeys
--      (one bucket)
-- ARGV 1 subscription id  2 meta as it was read
-- Result: 1 forgotten, 0 it was changed meanwhile: read again.
--include delivery_line
local id = ARGV[1]
if (redis.call('HGET', KEYS[3], id) or '') ~= ARGV[2] then return 0 end
for incident in string.gmatch((redis.call('HGET', KEYS[5], id) or '') .. ' check', '%S+') do
  local member = incident .. '/' .. id
  local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[7], member))
  if seq then
    count(member, alert, stage, cause, -1)
    count_bytes(member, alert, -tonumber(bytes))
  end
  redis.call('HDEL', KEYS[6], member)
  redis.call('HDEL', KEYS[7], member)
  redis.call('ZREM', KEYS[8], member)
end
write_counts(KEYS[9])
redis.call('HDEL', KEYS[5], id)
redis.call('HDEL', KEYS[1], id)
redis.call('HDEL', KEYS[2], id)
redis.call('HDEL', KEYS[3], id)
redis.call('HDEL', KEYS[10], id)
redis.call('INCR', KEYS[4])
return 1
