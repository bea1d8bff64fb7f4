-- After a sign-in that succeeded: forget the name's failed tries, and give the client back the try just counted.
-- KEYS[1] counter of the name, or of name and client   KEYS[2] counter of the client   ("tries:until_ms", see staff_try.lua)
-- Result: 1.
redis.call('DEL', KEYS[1])
local stored = redis.call('GET', KEYS[2])
if stored then
  local tries, till = string.match(stored, '^(%d+):(%d+)$')
  if tonumber(tries) <= 1 then
    redis.call('DEL', KEYS[2])
  else
    redis.call('SET', KEYS[2], string.format('%d:%s', tonumber(tries) - 1, till), 'KEEPTTL')
  end
end
return 1
