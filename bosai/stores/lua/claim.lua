-- Take queued deliveries of one bucket for sending, for a while: nobody else gets them until then.
-- A delivery is one line: "seq stage at_ms attempts bytes answer claimed_until_ms cause" (answer "-" = none; the
-- cause is the rest of the line and may be empty).
-- KEYS 1 deliveries  2 instructions  3 due  4 push (one bucket)
-- ARGV 1 now in ms  2 claimed until, in ms  3 the same in s (the next due time, should we die)
--      then pairs: member "incident/subscription id", seq ("0" = the newest, whichever it is)
-- Result: 5 each for those taken: member, attempts, cause, instruction, sealed push ("" = the subscriber is gone).
-- Left out: done already, replaced by a newer seq, or in another worker's hands.
local now = tonumber(ARGV[1])
local taken = {}
for at = 4, #ARGV, 2 do
  local member, wanted = ARGV[at], ARGV[at + 1]
  local line = redis.call('HGET', KEYS[1], member)
  local instruction = redis.call('HGET', KEYS[2], member)
  local seq, stage, when, attempts, bytes, answer, claimed, cause =
    string.match(line or '', '^(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (.*)$')
  if not seq or not instruction or stage ~= 'queued' then
    redis.call('ZREM', KEYS[3], member)
  elseif (wanted == '0' or wanted == seq) and tonumber(claimed) <= now then
    redis.call('HSET', KEYS[1], member,
      table.concat({ seq, stage, when, attempts, bytes, answer, ARGV[2], cause }, ' '))
    redis.call('ZADD', KEYS[3], ARGV[3], member)
    local n = #taken
    taken[n + 1], taken[n + 2], taken[n + 3], taken[n + 4] = member, attempts, cause, instruction
    taken[n + 5] = redis.call('HGET', KEYS[4], string.match(member, '([^/]+)$')) or ''
  end
end
return taken
