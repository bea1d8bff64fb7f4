-- The travel of one instruction as one line, and the counts that go with it. Shared: see `--include` in scripts.py.
--   seq stage at_ms attempts bytes answer claimed_until_ms heard alert_key cause
-- answer "-" = none. claimed 0 = in nobody's hands. heard: whether anything of this incident can have reached the
-- person so far (0 no, 1 may have, 2 yes). The cause is the rest of the line and may be empty.
local RANK = { queued = 0, failed = 1, expired = 1, retired = 1, replaced = 1,
  accepted = 2, displayed = 3, opened = 4, answered = 5, arrived = 6 }
local LINE = '^(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (%d) (%S+) (.*)$'
local ENDINGS = { lifted = true, recalled = true, out_of_area = true }

local function parse(line) return string.match(line or '', LINE) end

local function line_of(seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause)
  return table.concat({ seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause }, ' ')
end

-- Counts of one bucket: "incident alert_key stage cause" → deliveries, "incident alert_key bytes -" → bytes. The
-- cause is counted where a delivery ended without reaching anybody, else it is "-".
local deltas = {}

local function count(member, alert, stage, cause, by)
  local why = RANK[stage] == 1 and cause ~= '' and cause or '-'
  local field = string.sub(member, 1, string.find(member, '/', 1, true) - 1) .. ' ' .. alert .. ' ' .. stage .. ' ' .. why
  deltas[field] = (deltas[field] or 0) + by
end

local function count_bytes(member, alert, by)
  if by == 0 then return end
  local field = string.sub(member, 1, string.find(member, '/', 1, true) - 1) .. ' ' .. alert .. ' bytes -'
  deltas[field] = (deltas[field] or 0) + by
end

local function write_counts(key)
  for field, by in pairs(deltas) do
    if by ~= 0 and redis.call('HINCRBY', key, field, by) <= 0 then redis.call('HDEL', key, field) end
  end
end
