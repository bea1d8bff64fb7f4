-- Take one TOTP time step: a code that was accepted once, and any older one, is never accepted again.
-- KEYS[1] last accepted step   ARGV[1] step   ARGV[2] seconds to remember it
-- Result: 1 = taken, 0 = that step or a later one was taken before.
local last = tonumber(redis.call('GET', KEYS[1]) or '-1')
if tonumber(ARGV[1]) <= last then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
