-- Take or renew a lease. Each new holder gets a token higher than every one before.
-- KEYS 1 holder string, expires  2 token string, only ever rises
-- ARGV 1 who asks  2 time to live in ms
-- Result: the token while the asker holds the lease, 0 while somebody else does.
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]))
end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
