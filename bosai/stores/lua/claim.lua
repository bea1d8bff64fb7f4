-- Take queued deliveries of one bucket for sending, for a while: nobody else gets them until then. Each first try
-- takes one prekey with it, before anything is encrypted: whatever happens afterwards, nobody gets that pair again.
-- KEYS 1 deliveries  2 instructions  3 due  4 push  5 prekeys (one bucket)
-- ARGV 1 now in ms  2 claimed until, in ms
--      3 msgpack array of [member "incident/subscription id", seq] (seq 0 = the newest, whichever it is)
-- Result: 6 each for those taken: member, attempts, cause, instruction, sealed push ("" = the subscriber is gone),
--      sealed pair ("" = none). Left out: done already, replaced by a newer seq, or in another worker's hands.
--include delivery_line
local PAIR_BYTES = 125
local now, taken = tonumber(ARGV[1]), {}
local furthest = tonumber(ARGV[2]) + 5000 -- a claim beyond it was made by a clock that has been set back since

local function pop(id)
  local pairs_left = redis.call('HGET', KEYS[5], id)
  if not pairs_left then return '' end
  if #pairs_left <= PAIR_BYTES then
    redis.call('HDEL', KEYS[5], id)
  else
    redis.call('HSET', KEYS[5], id, string.sub(pairs_left, 1, -PAIR_BYTES - 1))
  end
  return string.sub(pairs_left, -PAIR_BYTES)
end

for _, entry in ipairs(cmsgpack.unpack(ARGV[3])) do
  local member, wanted = entry[1], entry[2]
  local seq, stage, at, attempts, bytes, answer, claimed, heard, alert, cause = parse(redis.call('HGET', KEYS[1], member))
  local instruction = redis.call('HGET', KEYS[2], member)
  if not seq or not instruction or stage ~= 'queued' then
    redis.call('ZREM', KEYS[3], member)
  elseif tonumber(claimed) > now and tonumber(claimed) <= furthest then
    -- The schedule asks again when the claim has run out, should its holder have died.
    if wanted == 0 then redis.call('ZADD', KEYS[3], string.format('%.3f', claimed / 1000), member) end
  elseif wanted == 0 or wanted == tonumber(seq) then
    if claimed ~= '0' and heard == '0' then heard = '1' end -- its holder died: it may have gone out
    redis.call('HSET', KEYS[1], member, line_of(seq, stage, at, attempts, bytes, answer, ARGV[2], heard, alert, cause))
    local id, n = string.match(member, '[^/]+$'), #taken
    local push = redis.call('HGET', KEYS[4], id) or ''
    taken[n + 1], taken[n + 2], taken[n + 3], taken[n + 4], taken[n + 5] = member, attempts, cause, instruction, push
    taken[n + 6] = push ~= '' and attempts == '0' and cause == '' and pop(id) or ''
  end
end
return taken
