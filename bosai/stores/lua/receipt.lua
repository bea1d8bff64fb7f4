-- What a device or a person reports about one instruction. A stage never goes back.
-- KEYS 1 deliveries  2 due  3 counts  4 told version: rises with an answer, and when what was
--      taken for lost has arrived (one bucket)
-- ARGV 1 member  2 seq  3 stage  4 answer, "-" = none  5 now in ms
-- Result: "recorded"; "known" (nothing new in it); "replaced" (a newer seq stands there); "gone" (no such delivery).
--include delivery_line
local member = ARGV[1]
local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[1], member))
if not seq then return 'gone' end
if seq ~= ARGV[2] then
  -- Whoever speaks of an earlier one has heard of this incident, whatever became of the newest.
  if heard ~= '2' and tonumber(ARGV[2]) < tonumber(seq) then
    redis.call('HSET', KEYS[1], member, line_of(seq, stage, at, attempts, bytes, answer, claimed, '2', alert, cause))
  end
  return 'replaced'
end
local further = RANK[ARGV[3]] > RANK[stage]
local other_answer = ARGV[4] ~= '-' and RANK[ARGV[3]] == RANK[stage] and ARGV[4] ~= answer
if not further and not other_answer then return 'known' end
if ARGV[4] ~= '-' then answer = ARGV[4] end
count(member, alert, stage, cause, -1)
count(member, alert, ARGV[3], cause, 1)
redis.call('HSET', KEYS[1], member,
  line_of(seq, ARGV[3], ARGV[5], attempts, bytes, answer, claimed, '2', alert, cause))
redis.call('ZREM', KEYS[2], member)
write_counts(KEYS[3])
if ARGV[4] ~= '-' or RANK[stage] == 1 then redis.call('INCR', KEYS[4]) end
return 'recorded'
