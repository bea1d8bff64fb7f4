-- Count how many deliveries of one incident stand at each stage, in one bucket (line: see claim.lua).
-- KEYS 1 deliveries
-- ARGV 1 incident
-- Result: pairs: stage, count.
local prefix, counts = ARGV[1] .. '/', {}
local rows = redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  if string.sub(rows[at], 1, #prefix) == prefix then
    local stage = string.match(rows[at + 1], '^%d+ (%S+)')
    counts[stage] = (counts[stage] or 0) + 1
  end
end
local answer = {}
for stage, count in pairs(counts) do
  answer[#answer + 1] = stage
  answer[#answer + 1] = count
end
return answer
