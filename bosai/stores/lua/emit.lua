-- Write instructions for subscribers of one bucket; whoever knows it already is left alone.
-- KEYS 1 fence  2 instructions  3 deliveries  4 due  5 push  6 told (one bucket)
-- ARGV 1 lease token, "" = the writer holds no lease  2 now in ms  3 first due time in s
--      then 7 each: subscription id, incident, meaning, alert key, message, "1" = only if nothing stands
--      on this alert key yet (else "0"), sealed body
-- Result: one number each: > 0 the seq written, 0 unchanged, -1 refused; or {"fenced", highest token}.
--
-- Unchanged: the newest stored has the same meaning and was not lost on the way (expired, replaced by an end of
-- the order, or retired, which undoes itself only by a new subscription). A later version of the order is noted
-- on it. Refused: the subscriber is gone, a lower version of the same order, or somebody was quicker ("1").
local token = tonumber(ARGV[1])
if token then
  local highest = tonumber(redis.call('GET', KEYS[1]) or '0')
  if token < highest then return { 'fenced', highest } end
  if token > highest then redis.call('SET', KEYS[1], ARGV[1]) end
end

local lost = { expired = true, replaced = true, retired = true }

local function decide(old, member, meaning, alert_key, only_if_absent)
  if not old then return 1 end
  local seq, old_meaning, old_key, old_message = string.match(old, '^(%d+) (%S+) (%S+) (%S+)\n')
  local id, version = string.match(alert_key, '^(.*):(%d+)$')
  local old_id, old_version = string.match(old_key, '^(.*):(%d+)$')
  if id == old_id and tonumber(version) < tonumber(old_version) then return -1 end
  if only_if_absent and old_key == alert_key then return -1 end
  local stage = string.match(redis.call('HGET', KEYS[3], member) or '', '^%d+ (%S+)')
  if old_meaning == meaning and not lost[stage] then
    if old_key ~= alert_key then
      local body = string.sub(old, string.find(old, '\n', 1, true), -1)
      redis.call('HSET', KEYS[2], member,
        seq .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. old_message .. body)
    end
    return 0
  end
  return tonumber(seq) + 1
end

local answers = {}
for at = 4, #ARGV, 7 do
  local id, incident, meaning, alert_key, message = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local member = incident .. '/' .. id
  local seq = -1
  if redis.call('HEXISTS', KEYS[5], id) == 1 then
    seq = decide(redis.call('HGET', KEYS[2], member), member, meaning, alert_key, ARGV[at + 5] == '1')
  end
  if seq > 0 then
    local head = string.format('%d', seq) .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. message
    redis.call('HSET', KEYS[2], member, head .. '\n' .. ARGV[at + 6])
    -- An older seq that is being sent right now keeps its claim: were both under way at once, the older could
    -- reach the push service last and replace the newer. Whoever sends it frees the claim (record.lua).
    local claimed = string.match(redis.call('HGET', KEYS[3], member) or '', '^%d+ queued %d+ %d+ %d+ %S+ (%d+) ')
    redis.call('HSET', KEYS[3], member,
      string.format('%d', seq) .. ' queued ' .. ARGV[2] .. ' 0 0 - ' .. (claimed or '0') .. ' ')
    redis.call('ZADD', KEYS[4], ARGV[3], member)
    local told = { incident }
    for other in string.gmatch(redis.call('HGET', KEYS[6], id) or '', '%S+') do
      if other ~= incident then told[#told + 1] = other end
    end
    redis.call('HSET', KEYS[6], id, table.concat(told, ' '))
  end
  answers[#answers + 1] = seq
end
return answers
