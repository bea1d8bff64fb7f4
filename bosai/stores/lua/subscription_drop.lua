-- Forget one subscriber wholly: both parts, its one-time pairs, and everything ever told.
-- KEYS 1 push  2 places (meta ‖ sealed places)  3 version  4 told  5 instructions  6 deliveries  7 due  8 counts
--      9 prekeys  10 told version (one bucket)
-- ARGV 1 subscription id  2 meta as it was read
-- Result: 1 forgotten, 0 it was changed meanwhile: read again.
--include delivery_line
local id = ARGV[1]
local found = redis.call('HGET', KEYS[2], id)
if not found or string.sub(found, 1, #ARGV[2]) ~= ARGV[2] then return 0 end
local incidents = { 'check' }
for incident in string.gmatch(redis.call('HGET', KEYS[4], id) or '', '%S+') do
  incidents[#incidents + 1] = incident
  incidents[#incidents + 1] = 'remind.' .. incident
end
for _, incident in ipairs(incidents) do
  local member = incident .. '/' .. id
  local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[6], member))
  if seq then
    count(member, alert, stage, cause, -1)
    count_bytes(member, alert, -tonumber(bytes))
  end
  redis.call('HDEL', KEYS[5], member)
  redis.call('HDEL', KEYS[6], member)
  redis.call('ZREM', KEYS[7], member)
end
write_counts(KEYS[8])
redis.call('HDEL', KEYS[4], id)
redis.call('HDEL', KEYS[1], id)
redis.call('HDEL', KEYS[2], id)
redis.call('HDEL', KEYS[9], id)
redis.call('INCR', KEYS[3])
-- By this much: whoever is told anew is counted from 1 again, and is not who was known by that number.
redis.call('INCRBY', KEYS[10], 1048576)
return 1
