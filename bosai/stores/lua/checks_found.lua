-- How far the checks of one kind have come, in one bucket.
-- KEYS 1 deliveries  2 instructions (one bucket)
-- ARGV 1 incident of the checks  2 their meaning
-- Result: 3 each: stage, cause, how many. The cause is "-" unless the check ended without reaching anybody.
--include delivery_line
local prefix, counts, found = ARGV[1] .. '/', {}, {}
local rows = redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  if string.sub(rows[at], 1, #prefix) == prefix then
    local _, stage, _, _, _, _, _, _, _, cause = parse(rows[at + 1])
    local meaning = string.match(redis.call('HGET', KEYS[2], rows[at]) or '', '^%d+ (%S+) ')
    if stage and meaning == ARGV[2] then
      local why = RANK[stage] == 1 and cause ~= '' and cause or '-'
      counts[stage] = counts[stage] or {}
      counts[stage][why] = (counts[stage][why] or 0) + 1
    end
  end
end
for stage, causes in pairs(counts) do
  for why, many in pairs(causes) do
    local n = #found
    found[n + 1], found[n + 2], found[n + 3] = stage, why, many
  end
end
return found
