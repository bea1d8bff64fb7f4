-- Give a lease back, so that a successor need not wait for its end.
-- KEYS 1 holder string
-- ARGV 1 who gives it back
-- Result: 1 when it was held by the asker, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
