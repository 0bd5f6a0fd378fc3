-- effects: what editions do within a script of the house, in the same change as a job's move. Stands before the script.
--
-- KEYS  those of the script, then those of the effects
-- ARGV  those of the script, then the calls, then how many words these are, and how many keys
--       a call is: effect, move, job, n, n indexes among the keys of effects, m, m arguments
-- `job` is what the script calls the job: its number in the request, counted from 0, or its field in flight.
--
-- Keeps: a call is done once at most, with the change that it belongs to; what looks comes before what writes.
local KEYS, ARGV, effects = (function(given_keys, given_words, kinds)
  local more_words, more_keys = tonumber(given_words[#given_words - 1]), tonumber(given_words[#given_words])
  local base, first = #given_keys - more_keys, #given_words - 2 - more_words
  local keys, words = {}, {}
  for k = 1, base do keys[k] = given_keys[k] end
  for k = 1, first do words[k] = given_words[k] end

  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local calls, of, refused, moved = {}, {}, {}, {}
  local k = first + 1
  local function listed(translate)
    local list, count = {}, tonumber(given_words[k])
    for i = 1, count do list[i] = translate(given_words[k + i]) end
    k = k + 1 + count
    return list
  end
  while k <= first + more_words do
    local call = {effect = given_words[k], move = given_words[k + 1], job = given_words[k + 2], now = now}
    k = k + 3
    call.keys = listed(function(index) return given_keys[base + tonumber(index)] end)
    call.args = listed(function(word) return word end)
    calls[#calls + 1] = call
    of[call.job] = of[call.job] or {}
    table.insert(of[call.job], call)
  end

  local function name(job)
    return type(job) == 'number' and string.format('%d', job) or job
  end

  local function wrong(call)
    local check = kinds[call.effect].check
    return check and check(call)
  end

  local made = {}

  -- Before a push writes: an error that refuses it, or nil.
  function made.check()
    for _, call in ipairs(calls) do
      local trouble = wrong(call)
      if trouble then return redis.error_reply(trouble) end
    end
  end

  -- Before a settlement writes: a job goes its way, whatever is wrong with somebody's keys.
  function made.sift()
    for i = #calls, 1, -1 do
      if wrong(calls[i]) then table.remove(calls, i) end
    end
  end

  -- May a job be put? When all of its effects say so, they are done.
  function made.admit(job, place, payload)
    local its = of[name(job)] or {}
    for _, call in ipairs(its) do
      local admit = kinds[call.effect].admit
      call.place, call.payload = place, payload
      local said = admit and admit(call)
      if said then
        refused[#refused + 1] = {name(job), call.effect, said}
        return false
      end
    end
    for _, call in ipairs(its) do kinds[call.effect].run(call) end
    return true
  end

  -- This job has been moved by this request.
  function made.moved(job)
    moved[name(job)] = true
  end

  -- The same for all that are in this hash, and will not be after the script.
  function made.look(hash)
    for job in pairs(of) do
      if redis.call('HEXISTS', hash, job) == 1 then moved[job] = true end
    end
  end

  -- Do what the jobs that were moved ask for.
  function made.run()
    for _, call in ipairs(calls) do
      if moved[call.job] then kinds[call.effect].run(call) end
    end
  end

  -- A status, then three for each refused job.
  function made.reply()
    local reply = {1}
    for _, one in ipairs(refused) do
      for _, word in ipairs(one) do reply[#reply + 1] = word end
    end
    return reply
  end

  -- The reply of a push, remembered as long as its lane.
  function made.answer(number, seconds)
    local memory, reply = given_keys[base + 1], made.reply()
    if #reply == 1 then return reply end
    redis.call('DEL', memory)
    redis.call('RPUSH', memory, number)
    for k = 2, #reply do redis.call('RPUSH', memory, reply[k]) end
    redis.call('EXPIRE', memory, seconds)
    return reply
  end

  -- The reply of the same push when it comes again.
  function made.told(number)
    local memory = redis.call('LRANGE', given_keys[base + 1], 0, -1)
    if memory[1] ~= number then return {0} end
    memory[1] = 0
    return memory
  end

  return keys, words, made
end)(KEYS, ARGV, {
--@ kinds
})
