-- Write down how sending went, for deliveries of one bucket.
-- KEYS 1 deliveries  2 due  3 counts  4 instructions (one bucket)
-- ARGV 1 now in ms
--      2 msgpack array of [member, seq, stage, attempts, bytes sent, next due time in s (0 = none), cause, heard]
--      heard: what this try adds (0 nothing can have arrived, 1 it may have, 2 it was taken)
-- Result: how many were written; the others were of no use: a newer seq stands there (or nothing).
-- A device may have reported "displayed" before we got here: a stage never goes back, and what was seen is
-- not sent again.
--include delivery_line
local written, now_ms = 0, ARGV[1]
for _, one in ipairs(cmsgpack.unpack(ARGV[2])) do
  local member, new_seq, new_stage, new_attempts, sent, due, new_cause, new_heard =
    one[1], string.format('%d', one[2]), one[3], one[4], one[5], one[6], one[7], one[8]
  local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[1], member))
  if seq then
    heard = string.format('%d', math.max(tonumber(heard), new_heard))
    count_bytes(member, alert, sent)
  end
  if seq == new_seq then
    count(member, alert, stage, cause, -1)
    if RANK[stage] <= RANK[new_stage] then stage, at = new_stage, now_ms end
    count(member, alert, stage, new_cause, 1)
    redis.call('HSET', KEYS[1], member, line_of(seq, stage, at, string.format('%d', new_attempts),
      string.format('%d', bytes + sent), answer, '0', heard, alert, new_cause))
    if stage == 'queued' and due > 0 then
      redis.call('ZADD', KEYS[2], string.format('%.3f', due), member)
    else
      redis.call('ZREM', KEYS[2], member)
    end
    written = written + 1
  elseif seq and stage == 'queued' and claimed ~= '0' then
    -- The newer waited for this one to be through: it is due at once, or of no use if it only takes back what
    -- after all never went out.
    local message = string.match(redis.call('HGET', KEYS[4], member) or '', '^%d+ %S+ %S+ (%S+)\n')
    if heard == '0' and ENDINGS[message] then
      count(member, alert, stage, cause, -1)
      stage, at, cause = 'replaced', now_ms, 'order_' .. message
      count(member, alert, stage, cause, 1)
      redis.call('ZREM', KEYS[2], member)
    else
      redis.call('ZADD', KEYS[2], string.format('%.3f', now_ms / 1000), member)
    end
    redis.call('HSET', KEYS[1], member, line_of(seq, stage, at, attempts, bytes, answer, '0', heard, alert, cause))
  end
end
write_counts(KEYS[3])
return written
