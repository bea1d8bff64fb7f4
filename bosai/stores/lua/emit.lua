-- Write instructions for subscribers of one bucket; whoever knows it already is left alone.
-- KEYS 1 fence  2 instructions  3 deliveries  4 due  5 push  6 told  7 counts (one bucket)
-- ARGV 1 lease token, "" = the writer holds no lease  2 now in ms  3 first due time in s
--      then 2 each: "subscription_id incident meaning alert_key message mode", sealed body
--      mode: "n" as a rule; "a" only if nothing stands on this alert key yet; "c" a check, which is nobody's newest
-- Result: one number each: > 0 the seq written, 0 unchanged, -1 refused, -2 spared; or {"fenced", highest token}.
--
-- Unchanged: the newest stored has the same meaning and was not lost on the way (expired, replaced by an end of
-- the order, or retired, which undoes itself only by a new subscription). A later version of the order is noted
-- on it. Refused: the subscriber is gone, a lower version of the same order, or somebody was quicker ("a").
-- Spared: the end of an order for somebody whom nothing of it can have reached: what waits is stopped instead.
--include delivery_line
local token = tonumber(ARGV[1])
if token then
  local highest = tonumber(redis.call('GET', KEYS[1]) or '0')
  if token < highest then return { 'fenced', highest } end
  if token > highest then redis.call('SET', KEYS[1], ARGV[1]) end
end

local LOST = { expired = true, replaced = true, retired = true }

local function version_of(alert_key)
  local id, version = string.match(alert_key, '^(.*):(%d+)$')
  return id, tonumber(version)
end

-- The head of what stands, moved to another version of the order; its line and the counts with it.
local function restand(member, old, alert_key, seq, meaning, message)
  local body = string.sub(old, string.find(old, '\n', 1, true), -1)
  redis.call('HSET', KEYS[2], member, seq .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. message .. body)
  local its_seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[3], member))
  if not its_seq then return end
  count(member, alert, stage, cause, -1)
  count(member, alert_key, stage, cause, 1)
  count_bytes(member, alert, -tonumber(bytes))
  count_bytes(member, alert_key, tonumber(bytes))
  redis.call('HSET', KEYS[3], member, line_of(its_seq, stage, at, attempts, bytes, answer, claimed, heard, alert_key, cause))
end

-- Stop what waits for somebody who cannot have heard anything: true when that is so.
local function spared(member, message)
  local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[3], member))
  if heard ~= '0' or claimed ~= '0' then return false end
  if stage ~= 'queued' then return RANK[stage] < 2 end
  local why = 'order_' .. message
  count(member, alert, stage, cause, -1)
  count(member, alert, 'replaced', why, 1)
  redis.call('HSET', KEYS[3], member, line_of(seq, 'replaced', ARGV[2], attempts, bytes, answer, '0', '0', alert, why))
  redis.call('ZREM', KEYS[4], member)
  return true
end

local function decide(old, member, meaning, alert_key, message, mode)
  if not old then return ENDINGS[message] and -2 or 1 end
  local seq, old_meaning, old_key, old_message = string.match(old, '^(%d+) (%S+) (%S+) (%S+)\n')
  local id, version = version_of(alert_key)
  local old_id, old_version = version_of(old_key)
  if id == old_id and version < old_version then return -1 end
  if mode == 'a' and old_key == alert_key then return -1 end
  local stage = string.match(redis.call('HGET', KEYS[3], member) or '', '^%d+ (%S+)')
  if old_meaning == meaning and not LOST[stage] then
    if old_key ~= alert_key then restand(member, old, alert_key, seq, meaning, old_message) end
    return 0
  end
  if ENDINGS[message] and spared(member, message) then return -2 end
  return tonumber(seq) + 1
end

local function remember(id, incident)
  local told = { incident }
  for other in string.gmatch(redis.call('HGET', KEYS[6], id) or '', '%S+') do
    if other ~= incident then told[#told + 1] = other end
  end
  redis.call('HSET', KEYS[6], id, table.concat(told, ' '))
end

local answers = {}
for at = 4, #ARGV, 2 do
  local id, incident, meaning, alert_key, message, mode =
    string.match(ARGV[at], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  local member, seq = incident .. '/' .. id, -1
  if redis.call('HEXISTS', KEYS[5], id) == 1 then
    seq = decide(redis.call('HGET', KEYS[2], member), member, meaning, alert_key, message, mode)
  end
  if seq > 0 then
    local number = string.format('%d', seq)
    redis.call('HSET', KEYS[2], member, number .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. message .. '\n' .. ARGV[at + 1])
    -- An older seq that is being sent right now keeps its claim: were both under way at once, the older could
    -- reach the push service last and replace the newer. Whoever sends it frees the claim (record.lua).
    local old_seq, stage, _, _, bytes, _, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[3], member))
    if old_seq then count(member, alert, stage, cause, -1) end
    if stage ~= 'queued' then claimed = '0' end
    count(member, alert_key, 'queued', '', 1)
    redis.call('HSET', KEYS[3], member,
      line_of(number, 'queued', ARGV[2], '0', '0', '-', claimed or '0', heard or '0', alert_key, ''))
    redis.call('ZADD', KEYS[4], ARGV[3], member)
    if mode ~= 'c' then remember(id, incident) end
  end
  answers[#answers + 1] = seq
end
write_counts(KEYS[7])
return answers
