-- Append one entry to a site's history and write what is current after it, in one step.
-- KEYS 1 reports stream  2 status hash
-- ARGV 1 id of the newest entry the status was computed on ("" = the history was empty)
--      2 field ("report" or "undoes")  3 its value
--      4 site id  5 msgpack SiteStatus, "" = the status stays as it is
-- Result: the id of the new entry, or "" when somebody reported meanwhile (nothing is written).
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local id = newest[1] and newest[1][1] or ''
if id ~= ARGV[1] then return '' end
local added = redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[3])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], ARGV[4], ARGV[5]) end
return added
