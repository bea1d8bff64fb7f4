-- What a device or a person reports about one instruction (line: see claim.lua). A stage never goes back.
-- KEYS 1 deliveries  2 due (one bucket)
-- ARGV 1 member  2 seq  3 stage  4 answer, "-" = none  5 now in ms
-- Result: "recorded"; "known" (nothing new in it); "replaced" (a newer seq stands there); "gone" (no such delivery).
local rank = { queued = 0, failed = 1, expired = 1, retired = 1, replaced = 1,
  accepted = 2, displayed = 3, opened = 4, answered = 5, arrived = 6 }
local seq, stage, when, attempts, bytes, answer, claimed, cause = string.match(
  redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (.*)$')
if not seq then return 'gone' end
if seq ~= ARGV[2] then return 'replaced' end
local further = rank[ARGV[3]] > rank[stage]
local other_answer = ARGV[4] ~= '-' and rank[ARGV[3]] == rank[stage] and ARGV[4] ~= answer
if not further and not other_answer then return 'known' end
if ARGV[4] ~= '-' then answer = ARGV[4] end
redis.call('HSET', KEYS[1], ARGV[1],
  table.concat({ seq, ARGV[3], ARGV[5], attempts, bytes, answer, claimed, cause }, ' '))
redis.call('ZREM', KEYS[2], ARGV[1])
return 'recorded'
