-- Forget the checks of one kind when what they found is kept: they would weigh as much as a subscriber does.
-- KEYS 1 deliveries  2 instructions  3 due  4 counts (one bucket)
-- ARGV 1 incident of the checks  2 their meaning
-- Result: how many were forgotten.
--include delivery_line
local prefix, forgotten = ARGV[1] .. '/', 0
local rows = redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  local member = rows[at]
  if string.sub(member, 1, #prefix) == prefix then
    local meaning = string.match(redis.call('HGET', KEYS[2], member) or '', '^%d+ (%S+) ')
    local seq, stage, _, _, bytes, _, _, _, alert, cause = parse(rows[at + 1])
    if seq and meaning == ARGV[2] then
      count(member, alert, stage, cause, -1)
      count_bytes(member, alert, -tonumber(bytes))
      redis.call('HDEL', KEYS[1], member)
      redis.call('HDEL', KEYS[2], member)
      redis.call('ZREM', KEYS[3], member)
      forgotten = forgotten + 1
    end
  end
end
write_counts(KEYS[4])
return forgotten
