-- Whom no push service has taken a message for, in one bucket.
-- KEYS 1 deliveries
-- ARGV 1 incident
-- Result: 3 each: subscription id, stage, cause. One whose order ended before it was sent is not among them.
--include delivery_line
local prefix, found = ARGV[1] .. '/', {}
local rows = redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  if string.sub(rows[at], 1, #prefix) == prefix then
    local _, stage, _, _, _, _, _, _, _, cause = parse(rows[at + 1])
    if stage and stage ~= 'replaced' and RANK[stage] < 2 then
      local n = #found
      found[n + 1], found[n + 2], found[n + 3] = string.sub(rows[at], #prefix + 1), stage, cause
    end
  end
end
return found
