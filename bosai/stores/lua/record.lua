-- Write down how sending went, for deliveries of one bucket, each member once.
-- KEYS 1 deliveries  2 due  3 counts  4 instructions  5 told version (one bucket)
-- ARGV 1 now in ms
--      2 msgpack array of [member, seq, stage, attempts, bytes sent, next due time in s (0 = none), cause, heard]
--      heard: what this try adds (0 nothing can have arrived, 1 it may have, 2 it was taken)
-- Result: how many were written; the others were of no use: a newer seq stands there (or nothing).
-- A device may have reported "displayed" before we got here: a stage never goes back, and what was seen is
-- not sent again. The told version rises when something was lost on the way, which the planner tells again, or
-- turned up after all.
--include delivery_line
local results, now_ms, members = cmsgpack.unpack(ARGV[2]), ARGV[1], {}
if #results == 0 then return 0 end
for at, one in ipairs(results) do members[at] = one[1] end
local lines = redis.call('HMGET', KEYS[1], unpack(members))

local LOST = { expired = true, replaced = true, retired = true }
local written, changed, done, due_at, is_lost = 0, {}, {}, {}, false
local function due_then(member, at_s)
  due_at[#due_at + 1] = string.format('%.3f', at_s)
  due_at[#due_at + 1] = member
end

for at, one in ipairs(results) do
  local member, new_seq, new_stage, new_attempts, sent, due, new_cause, new_heard =
    one[1], string.format('%d', one[2]), one[3], one[4], one[5], one[6], one[7], one[8]
  local seq, stage, since, attempts, bytes, answer, claimed, heard, alert, cause = parse(lines[at] or nil)
  local line
  if seq then
    if new_heard > tonumber(heard) then heard = string.format('%d', new_heard) end
    count_bytes(member, alert, sent)
  end
  if seq == new_seq then
    count(member, alert, stage, cause, -1)
    is_lost = is_lost or LOST[stage]
    if RANK[stage] <= RANK[new_stage] then stage, since = new_stage, now_ms end
    is_lost = is_lost or LOST[stage]
    count(member, alert, stage, new_cause, 1)
    line = line_of(seq, stage, since, string.format('%d', new_attempts), string.format('%d', bytes + sent),
      answer, '0', heard, alert, new_cause)
    if stage == 'queued' and due > 0 then due_then(member, due) else done[#done + 1] = member end
    written = written + 1
  elseif seq and stage == 'queued' and claimed ~= '0' then
    -- The newer waited for this one to be through: it is due at once, or of no use if it only takes back what
    -- after all never went out.
    local message = string.match(redis.call('HGET', KEYS[4], member) or '', '^%d+ %S+ %S+ (%S+)\n')
    if heard == '0' and ENDINGS[message] then
      count(member, alert, stage, cause, -1)
      stage, since, cause = 'replaced', now_ms, 'order_' .. message
      is_lost = true
      count(member, alert, stage, cause, 1)
      done[#done + 1] = member
    else
      due_then(member, now_ms / 1000)
    end
    line = line_of(seq, stage, since, attempts, bytes, answer, '0', heard, alert, cause)
  elseif seq then
    -- What reached the person counts, whatever stands there now.
    line = line_of(seq, stage, since, attempts, bytes, answer, claimed, heard, alert, cause)
  end
  if line then
    changed[#changed + 1] = member
    changed[#changed + 1] = line
  end
end
if #changed > 0 then redis.call('HSET', KEYS[1], unpack(changed)) end
if #done > 0 then redis.call('ZREM', KEYS[2], unpack(done)) end
if #due_at > 0 then redis.call('ZADD', KEYS[2], unpack(due_at)) end
write_counts(KEYS[3])
if is_lost then redis.call('INCR', KEYS[5]) end
return written
