-- cron_effect: a job of the crontab comes into its queue, and its entry goes on, in the script that pushes.
--
-- KEYS  1 cron-due  2 cron:<name>  3 cron-runs:<name>  4 queue:<name>
-- ARGV  1 name  2 revision; '' for a run by hand  3 the instant that it is due for  4 the next one  5 the instant of the
--       run, s since 1970  6 note of the run  7 how many notes are kept
-- Returns a table of functions for the composer of effects.
--
-- Keeps: nothing is noted of a job that cannot be put: keys of another type are met before anything is written.
--        One job for each instant of an entry: whoever comes first puts it, and everybody else is refused. A run by hand
-- is noted, and changes nothing else.
return {
  check = function(c)
    for k, wanted in ipairs({'zset', 'hash', 'zset', 'list'}) do
      local shape = redis.call('TYPE', c.keys[k]).ok
      if shape ~= 'none' and shape ~= wanted then
        return 'WRONGTYPE ' .. c.keys[k] .. ' is a ' .. shape .. ', expected a ' .. wanted
      end
    end
  end,

  admit = function(c)
    if c.args[2] == '' then return nil end
    local rev, paused = unpack(redis.call('HMGET', c.keys[2], 'rev', 'paused'))
    local due = redis.call('ZSCORE', c.keys[1], c.args[1])
    if rev ~= c.args[2] then return 'it is another entry now' end
    if paused then return 'it is paused' end
    if not due or tonumber(due) ~= tonumber(c.args[3]) then return 'it was done by another process' end
    local before = redis.call('ZRANGEBYSCORE', c.keys[3], c.args[5], c.args[5], 'LIMIT', 0, 1)
    if #before > 0 then return 'there was a run for this instant' end
  end,

  run = function(c)
    if c.args[2] ~= '' then redis.call('ZADD', c.keys[1], c.args[4], c.args[1]) end
    redis.call('ZADD', c.keys[3], c.args[5], c.args[6])
    redis.call('ZREMRANGEBYRANK', c.keys[3], 0, -1 - c.args[7])
  end,
}
