-- The line of words in front of a kept event (ti:event:<event id>, see record.lua).
--
-- Words: origin, entry in ti:events, pull queues, references, who recorded it, numbers of its own renditions. Lists
-- are separated by commas; `-` is an empty one, and `*` all numbers. Then notes, as they come, their parts separated
-- by `|`:
--   again|<times>|<ms of the last>              the callback came again
--   expired|<queue>|<times>                     holds that ran out
--   confirmed|<queue>|<end of the hold>|<ms>|<who pulled it>
--   shape|<number>                              where its entry in ti:events does not say it (upgrade.lua)

-- The words as a list, and the rest of the value; nil where nothing is kept.
local function kept_words(value)
  if not value then return nil end
  local newline = string.find(value, '\n', 1, true)
  local words = {}
  for word in string.gmatch(string.sub(value, 1, newline - 1), '%S+') do words[#words + 1] = word end
  return words, string.sub(value, newline)
end

-- The same of the event `id`; nil, too, while it is in the form of the version before (upgrade.lua).
local function kept_of(id)
  local value = redis.pcall('GET', 'ti:event:' .. id)
  if type(value) == 'table' then return nil end
  return kept_words(value)
end

local function kept_value(words, rest)
  return table.concat(words, ' ') .. rest
end

-- The position of the note that begins so, if there is one, and what follows its beginning.
local function kept_note(words, beginning)
  for position = 7, #words do
    if string.sub(words[position], 1, #beginning) == beginning then
      return position, string.sub(words[position], #beginning + 1)
    end
  end
end

-- The number of its shape, if its entry in ti:events does not say it.
local function kept_shape(words)
  if not words then return nil end
  local _, number = kept_note(words, 'shape|')
  return number
end

local function kept_list(word)
  local list = {}
  if word ~= '-' then
    for item in string.gmatch(word, '[^,]+') do list[#list + 1] = item end
  end
  return list
end

local function kept_joined(list)
  return #list > 0 and table.concat(list, ',') or '-'
end
