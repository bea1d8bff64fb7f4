-- Take queued deliveries of one bucket for sending, for a while: nobody else gets them until then. Each first try
-- takes one prekey with it, before anything is encrypted: whatever happens afterwards, nobody gets that pair again.
-- KEYS 1 deliveries  2 instructions  3 due  4 push  5 prekeys  6 counts (one bucket)
-- ARGV 1 now in ms  2 claimed until, in ms
--      3 msgpack array of [member "incident/subscription id", seq] (seq 0 = the newest, whichever it is)
-- Result: 6 each for those taken: member, attempts, cause, instruction, sealed push ("" = the subscriber is gone),
--      sealed pair ("" = none). Left out: done already, replaced by a newer seq, in another worker's hands, or put
--      off since it was listed (whoever tried it meanwhile was told when to come again).
-- A reminder of something that no longer is the newest ends here as replaced; one that may go takes no prekey, these
-- are for what is urgent.
-- Everything is read and written in a few calls for all: a call costs more than the work it asks for.
--include delivery_line
local PAIR_BYTES = 125
local now = tonumber(ARGV[1])
local furthest = tonumber(ARGV[2]) + 5000 -- a claim beyond it was made by a clock that has been set back since

local members, wanted_of = {}, {}
for _, entry in ipairs(cmsgpack.unpack(ARGV[3])) do
  if not wanted_of[entry[1]] then
    members[#members + 1] = entry[1]
    wanted_of[entry[1]] = entry[2]
  end
end
if #members == 0 then return {} end
local lines = redis.call('HMGET', KEYS[1], unpack(members))
local instructions = redis.call('HMGET', KEYS[2], unpack(members))

local tried, due_of = {}, {}
for at, member in ipairs(members) do
  local _, _, _, attempts, _, _, _, _, _, cause = parse(lines[at] or nil)
  if attempts and (attempts ~= '0' or cause ~= '') then tried[#tried + 1] = member end
end
if #tried > 0 then
  for at, score in ipairs(redis.call('ZMSCORE', KEYS[3], unpack(tried))) do
    due_of[tried[at]] = score and tonumber(score)
  end
end

-- True for a reminder whose instruction was overtaken: said now, it would name a destination of before.
local function is_overtaken(member, stored)
  local main = string.match(member, '^remind%.(.+)$')
  if not main then return false end
  local seq = parse(redis.call('HGET', KEYS[1], main) or nil)
  return seq ~= string.match(stored, '^%d+ (%d+)%.')
end

local done, put_off, claims = {}, {}, {}
local taken, ids, fresh = {}, {}, {} -- taken: 6 each; ids of them; whether a prekey goes with them
for at, member in ipairs(members) do
  local wanted = wanted_of[member]
  local seq, stage, since, attempts, bytes, answer, claimed, heard, alert, cause = parse(lines[at] or nil)
  if not seq or not instructions[at] or stage ~= 'queued' then
    done[#done + 1] = member
  elseif is_overtaken(member, instructions[at]) then
    count(member, alert, stage, cause, -1)
    count(member, alert, 'replaced', 'overtaken', 1)
    claims[#claims + 1] = member
    claims[#claims + 1] = line_of(seq, 'replaced', ARGV[1], attempts, bytes, answer, '0', heard, alert, 'overtaken')
    done[#done + 1] = member
  elseif tonumber(claimed) > now and tonumber(claimed) <= furthest then
    -- The schedule asks again when the claim has run out, should its holder have died.
    if wanted == 0 then
      put_off[#put_off + 1] = string.format('%.3f', claimed / 1000)
      put_off[#put_off + 1] = member
    end
  elseif (due_of[member] or 0) > now / 1000 + 0.0005 then
    -- put off since it was listed
  elseif wanted == 0 or wanted == tonumber(seq) then
    if claimed ~= '0' and heard == '0' then heard = '1' end -- its holder died: it may have gone out
    claims[#claims + 1] = member
    claims[#claims + 1] = line_of(seq, stage, since, attempts, bytes, answer, ARGV[2], heard, alert, cause)
    local n = #taken
    taken[n + 1], taken[n + 2], taken[n + 3], taken[n + 4] = member, attempts, cause, instructions[at]
    taken[n + 5], taken[n + 6] = '', ''
    ids[#ids + 1] = string.match(member, '[^/]+$')
    fresh[#ids] = attempts == '0' and cause == '' and string.sub(member, 1, 7) ~= 'remind.'
  end
end
if #done > 0 then redis.call('ZREM', KEYS[3], unpack(done)) end
if #put_off > 0 then redis.call('ZADD', KEYS[3], unpack(put_off)) end
if #claims > 0 then redis.call('HSET', KEYS[1], unpack(claims)) end
write_counts(KEYS[6])
if #ids == 0 then return taken end

local pushes, pairs_of = redis.call('HMGET', KEYS[4], unpack(ids)), redis.call('HMGET', KEYS[5], unpack(ids))
local kept, used_up = {}, {}
for n, id in ipairs(ids) do
  local pairs_left = pairs_of[n]
  taken[6 * n - 1] = pushes[n] or ''
  if pushes[n] and pairs_left and fresh[n] then
    taken[6 * n] = string.sub(pairs_left, -PAIR_BYTES)
    if #pairs_left <= PAIR_BYTES then
      used_up[#used_up + 1] = id
    else
      kept[#kept + 1] = id
      kept[#kept + 1] = string.sub(pairs_left, 1, -PAIR_BYTES - 1)
    end
  end
end
if #kept > 0 then redis.call('HSET', KEYS[5], unpack(kept)) end
if #used_up > 0 then redis.call('HDEL', KEYS[5], unpack(used_up)) end
return taken
