-- Move versions of ONE order, with their audit entries, as one step: all of it or nothing.
-- KEYS[1] audit list          KEYS[2] audit head "n:hash"   KEYS[3] alerts hash key -> record
-- KEYS[4] states hash         KEYS[5] heads hash            KEYS[6] in force hash alert_id -> record
-- KEYS[7] releases zset       KEYS[8] incident string
-- ARGV[1] expected audit head ("" = empty)   ARGV[2] new audit head
-- ARGV[3] alert_id
-- ARGV[4] version that becomes the head ("" = head stays)
-- ARGV[5] record now in force ("" = none any more, "-" = stays as it is)
-- ARGV[6] incident from now on ("" = closed, "-" = stays as it is)
-- ARGV[7] release member "incident/key" ("" = nothing is released)   ARGV[8] release time, unix ms
-- ARGV[9] number of audit entries n, then n entries, oldest first
-- then quadruples: alert key, expected state ("" = must not exist), new state, new record
-- Result: "ok"; "head" = the log moved since the caller looked; "state:<key>:<found>" = a version is not where
-- the caller saw it. Nothing is written unless "ok".
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 'head'
end
local entries = tonumber(ARGV[9])
local first = 10 + entries
for i = first, #ARGV, 4 do
  local found = redis.call('HGET', KEYS[4], ARGV[i]) or ''
  if found ~= ARGV[i + 1] then
    return 'state:' .. ARGV[i] .. ':' .. found
  end
end
for i = first, #ARGV, 4 do
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 3])
  redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 2])
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[5], ARGV[3], ARGV[4])
end
if ARGV[5] == '' then
  redis.call('HDEL', KEYS[6], ARGV[3])
elseif ARGV[5] ~= '-' then
  redis.call('HSET', KEYS[6], ARGV[3], ARGV[5])
end
if ARGV[6] == '' then
  redis.call('DEL', KEYS[8])
elseif ARGV[6] ~= '-' then
  redis.call('SET', KEYS[8], ARGV[6])
end
if ARGV[7] ~= '' then
  redis.call('ZADD', KEYS[7], ARGV[8], ARGV[7])
end
for i = 10, first - 1 do
  redis.call('RPUSH', KEYS[1], ARGV[i])
end
redis.call('SET', KEYS[2], ARGV[2])
return 'ok'
