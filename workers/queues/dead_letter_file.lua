-- Files dead letters that were kept before there was filing, as if they had come now. Keys: see dead_letter.lua. ARGV: ids.
for _, id in ipairs(ARGV) do
  local letter, number = find_dead_letter(id), redis.call('ZSCORE', 'ti:dead', id)
  if letter and number and redis.call('HSETNX', 'ti:dead:' .. id, 'kept', milliseconds(queue_time())) == 1 then
    file_dead_letter(id, letter, number)
  end
end
