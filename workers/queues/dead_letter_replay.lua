-- Moves dead letters back into the inbox, together in one entry. Keys: see dead_letter.lua and inbox.py.
-- ARGV: 'force' or '', a body in the place of the letter's own or '', ids. Those that could not be delivered are left alone.
-- Returns {the inbox entry's id or '', how many were moved}.
local force, mended = ARGV[1], ARGV[2]
local moved, fields = {}, {}
for position = 3, #ARGV do
  local id = ARGV[position]
  local letter = find_dead_letter(id)
  if letter and not letter.subscription then
    local name = #moved .. ':' .. letter.source .. ':' .. letter.received
    if force ~= '' then name = name .. ':' .. force end
    moved[#moved + 1] = id
    fields[#fields + 1] = name
    fields[#fields + 1] = mended ~= '' and mended or redis.call('HGET', 'ti:dead:' .. id, 'body')
  end
end
if #moved == 0 then return {'', 0} end
local entry = redis.call('XADD', 'ti:inbox', '*', unpack(fields))
for _, id in ipairs(moved) do forget_dead_letter(id) end
return {entry, #moved}
