-- Write down how sending went, for deliveries of one bucket (line: see claim.lua).
-- KEYS 1 deliveries  2 due (one bucket)
-- ARGV 1 now in ms, then 7 each: member, seq, stage, attempts, bytes sent, next due time in s ("" = none), cause
-- Result: one number each: 1 written, 0 a newer seq stands there (or nothing): the result is of no use.
-- A device may have reported "displayed" before we got here: a stage never goes back, and what was seen is
-- not sent again.
local rank = { queued = 0, failed = 1, expired = 1, retired = 1, replaced = 1,
  accepted = 2, displayed = 3, opened = 4, answered = 5, arrived = 6 }
local answers = {}
for at = 2, #ARGV, 7 do
  local member, seq, stage, attempts, sent, due, cause =
    ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
  local old_seq, old_stage, old_when, old_attempts, bytes, answer, claimed, old_cause = string.match(
    redis.call('HGET', KEYS[1], member) or '', '^(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (.*)$')
  if old_seq == seq then
    local when = ARGV[1]
    if rank[old_stage] > rank[stage] then stage, when = old_stage, old_when end
    local total = string.format('%d', tonumber(bytes) + tonumber(sent))
    redis.call('HSET', KEYS[1], member,
      table.concat({ seq, stage, when, attempts, total, answer, '0', cause }, ' '))
    if stage == 'queued' and due ~= '' then
      redis.call('ZADD', KEYS[2], due, member)
    else
      redis.call('ZREM', KEYS[2], member)
    end
    answers[#answers + 1] = 1
  else
    if old_stage == 'queued' and claimed ~= '0' then
      -- The newer waited for this one to be through: it is due at once.
      redis.call('HSET', KEYS[1], member,
        table.concat({ old_seq, old_stage, old_when, old_attempts, bytes, answer, '0', old_cause }, ' '))
      redis.call('ZADD', KEYS[2], string.format('%.3f', tonumber(ARGV[1]) / 1000), member)
    end
    answers[#answers + 1] = 0
  end
end
return answers
