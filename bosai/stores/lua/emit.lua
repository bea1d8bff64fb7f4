-- Write instructions for subscribers of one bucket; whoever knows it already is left alone.
-- KEYS 1 fence  2 instructions  3 deliveries  4 due  5 push  6 told  7 counts  8 told version (one bucket)
-- ARGV 1 lease token, "" = the writer holds no lease  2 now in ms  3 first due time in s
--      then 2 each: "subscription_id incident meaning alert_key message mode", sealed body
--      mode: "n" as a rule; "a" only if nothing stands on this alert key yet; "c" a check, which is nobody's newest;
--      "s" nothing new is said, what stands moves to another version of the order: the meaning is then the seq that
--      must still stand there, the body empty; "r" a quiet reminder of what stands: incident "remind.<incident>",
--      meaning "<seq that must stand there>.<hour>"
-- Result: one number each: > 0 the seq written, 0 unchanged, -1 refused, -2 spared, and behind them the told version
--      when this run raised it; or {"fenced", highest token}.
--
-- Unchanged: the newest stored has the same meaning and was not lost on the way (expired, replaced by an end of
-- the order, or retired, which undoes itself only by a new subscription). A later version of the order is noted
-- on it. Refused: the subscriber is gone, a lower version of the same order, or somebody was quicker ("a").
-- Spared: the end of an order for somebody whom nothing of it can have reached: what waits is stopped, the end is
-- written as the newest, as a page may be looked at, and nothing is sent.
-- A reminder is written when the instruction it repeats stands, has reached the person, and neither it nor the last
-- reminder moved within the hour before; a time that lies ahead (a clock was set back since) is waited for, unless it
-- is so far ahead that it never was a time.
-- The told version rises whenever what somebody was told, or the order it stands on, changed.
-- Everything is read and written in a few calls for all: a call costs more than the work it asks for.
--include delivery_line
local token = tonumber(ARGV[1])
if token then
  local highest = tonumber(redis.call('GET', KEYS[1]) or '0')
  if token < highest then return { 'fenced', highest } end
  if token > highest then redis.call('SET', KEYS[1], ARGV[1]) end
end

local LOST = { expired = true, replaced = true, retired = true }
local lines, instructions, told = {}, {}, {} -- by member (told: by id), as they stand now
local new_lines, new_instructions, new_told, done, due = {}, {}, {}, {}, {}
local HOUR_MS, NEVER_MS = 3600000, 3 * 3600000
local is_news = false

local function put(list, field, value)
  list[#list + 1] = field
  list[#list + 1] = value
end

local function put_line(member, ...)
  lines[member] = line_of(...)
  put(new_lines, member, lines[member])
end

local function version_of(alert_key)
  local id, version = string.match(alert_key, '^(.*):(%d+)$')
  return id, tonumber(version)
end

-- The head of what stands, moved to another version of the order; its line and the counts with it.
local function restand(member, old, alert_key, seq, meaning, message)
  local body = string.sub(old, string.find(old, '\n', 1, true), -1)
  is_news = true
  put(new_instructions, member, seq .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. message .. body)
  local its_seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(lines[member])
  if not its_seq then return end
  count(member, alert, stage, cause, -1)
  count(member, alert_key, stage, cause, 1)
  count_bytes(member, alert, -tonumber(bytes))
  count_bytes(member, alert_key, tonumber(bytes))
  put_line(member, its_seq, stage, at, attempts, bytes, answer, claimed, heard, alert_key, cause)
end

-- True when nothing of the incident can have reached this person.
local function unheard(member)
  local _, stage, _, _, _, _, claimed, heard = parse(lines[member])
  return heard == '0' and claimed == '0' and RANK[stage] < 2
end

-- True when nothing was sent, shown or answered within the last hour.
local function has_rested(at_ms)
  local age = tonumber(ARGV[2]) - tonumber(at_ms)
  return age >= HOUR_MS or age < -NEVER_MS
end

-- 1 when the reminder is due, 0 when not. Only for these are further lines read.
local function decide_reminder(member, meaning, main)
  local wanted = string.match(meaning, '^(%d+)%.')
  local seq, stage, at = parse(redis.call('HGET', KEYS[3], main) or nil)
  if not seq or seq ~= wanted or RANK[stage] < 2 or not has_rested(at) then return 0 end
  local _, _, last_at = parse(lines[member])
  if last_at and not has_rested(last_at) then return 0 end
  local own_seq, old_meaning = string.match(instructions[member] or '', '^(%d+) (%S+) ')
  if old_meaning == meaning then return 0 end
  return (tonumber(own_seq) or 0) + 1
end

local function decide(member, meaning, alert_key, message, mode)
  if mode == 'r' then
    return decide_reminder(member, meaning, string.match(member, '^remind%.(.+)$')), false
  end
  local old = instructions[member]
  if mode == 's' then
    local seq, kept_meaning, old_key, old_message = string.match(old or '', '^(%d+) (%S+) (%S+) (%S+)\n')
    local id, version = version_of(alert_key)
    local old_id, old_version = version_of(old_key or ':0')
    if seq ~= meaning or (id == old_id and version < old_version) then return -1, false end
    if old_key ~= alert_key then restand(member, old, alert_key, seq, kept_meaning, old_message) end
    return 0, false
  end
  if not old then return ENDINGS[message] and -2 or 1, false end
  local seq, old_meaning, old_key, old_message = string.match(old, '^(%d+) (%S+) (%S+) (%S+)\n')
  local id, version = version_of(alert_key)
  local old_id, old_version = version_of(old_key)
  if id == old_id and version < old_version then return -1 end
  if mode == 'a' and old_key == alert_key then return -1 end
  local stage = string.match(lines[member] or '', '^%d+ (%S+)')
  if old_meaning == meaning and not LOST[stage] then
    if old_key ~= alert_key then restand(member, old, alert_key, seq, meaning, old_message) end
    return 0
  end
  return tonumber(seq) + 1, ENDINGS[message] and unheard(member)
end

local function remember(id, incident)
  local newest_first = { incident }
  for other in string.gmatch(told[id] or '', '%S+') do
    if other ~= incident then newest_first[#newest_first + 1] = other end
  end
  told[id] = table.concat(newest_first, ' ')
  put(new_told, id, told[id])
end

local function write(member, id, incident, seq, meaning, alert_key, message, mode, body, is_spared)
  local number = string.format('%d', seq)
  if mode == 'n' or mode == 'a' then is_news = true end
  put(new_instructions, member, number .. ' ' .. meaning .. ' ' .. alert_key .. ' ' .. message .. '\n' .. body)
  -- An older seq that is being sent right now keeps its claim: were both under way at once, the older could
  -- reach the push service last and replace the newer. Whoever sends it frees the claim (record.lua).
  local old_seq, stage, _, _, _, _, claimed, heard, alert, cause = parse(lines[member])
  if old_seq then count(member, alert, stage, cause, -1) end
  if stage ~= 'queued' then claimed = '0' end
  if is_spared then
    local why = 'order_' .. message
    count(member, alert_key, 'replaced', why, 1)
    put_line(member, number, 'replaced', ARGV[2], '0', '0', '-', '0', '0', alert_key, why)
    done[#done + 1] = member
  else
    count(member, alert_key, 'queued', '', 1)
    put_line(member, number, 'queued', ARGV[2], '0', '0', '-', claimed or '0', heard or '0', alert_key, '')
    put(due, ARGV[3], member)
  end
  if mode ~= 'c' and mode ~= 'r' then remember(id, incident) end
end

-- What stands for all of them, by one call for each hash.
local drafts, members, ids, seen = {}, {}, {}, {}
for at = 4, #ARGV, 2 do
  local id, incident, meaning, alert_key, message, mode =
    string.match(ARGV[at], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  local member = incident .. '/' .. id
  if seen[member] then return redis.error_reply('ERR one draft for each person and incident: ' .. member) end
  seen[member] = true
  local n = #drafts + 1
  drafts[n] = { member, id, incident, meaning, alert_key, message, mode, ARGV[at + 1] }
  members[n], ids[n] = member, id
end
if #drafts == 0 then return {} end
local found_lines = redis.call('HMGET', KEYS[3], unpack(members))
local found_instructions = redis.call('HMGET', KEYS[2], unpack(members))
local found_told = redis.call('HMGET', KEYS[6], unpack(ids))
for n, member in ipairs(members) do
  lines[member] = found_lines[n] or nil
  instructions[member] = found_instructions[n] or nil
  told[ids[n]] = found_told[n] or nil
end

local answers = {}
for n, draft in ipairs(drafts) do
  local member, id, incident, meaning, alert_key, message, mode, body = unpack(draft)
  local seq, is_spared = -1, false
  if redis.call('HEXISTS', KEYS[5], id) == 1 then
    seq, is_spared = decide(member, meaning, alert_key, message, mode)
    if seq > 0 then write(member, id, incident, seq, meaning, alert_key, message, mode, body, is_spared) end
    if is_spared then seq = -2 end
  end
  answers[n] = seq
end
if #new_instructions > 0 then redis.call('HSET', KEYS[2], unpack(new_instructions)) end
if #new_lines > 0 then redis.call('HSET', KEYS[3], unpack(new_lines)) end
if #new_told > 0 then redis.call('HSET', KEYS[6], unpack(new_told)) end
if #done > 0 then redis.call('ZREM', KEYS[4], unpack(done)) end
if #due > 0 then redis.call('ZADD', KEYS[4], unpack(due)) end
write_counts(KEYS[7])
if is_news then answers[#drafts + 1] = redis.call('INCR', KEYS[8]) end
return answers
