-- Let one household use a code for a welfare shelter, at most so many households; using it again is free.
-- KEYS[1] codes hash: keyed hash of the code -> record   KEYS[2] set of the households that used it
-- ARGV[1] keyed hash of the code   ARGV[2] the record the caller saw   ARGV[3] keyed hash of the household
-- ARGV[4] how many households may use it ("0" = it was revoked: only those who had used it before)
-- Result: "ok"; "changed" = the record is another now; "full" = no household more may use it.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 'changed'
end
if redis.call('SISMEMBER', KEYS[2], ARGV[3]) == 1 then
  return 'ok'
end
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 'full'
end
redis.call('SADD', KEYS[2], ARGV[3])
return 'ok'
