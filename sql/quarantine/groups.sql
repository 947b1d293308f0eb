-- What is open, by day, reason and file, newest day first and the largest first; $name fits a file by its whole name or the beginning of its sha256.
-- grain: one row per day, reason, file and kind of row
-- reads: ingest.quarantine
select
    cast(day as varchar)             as day,
    reason,
    file_name                        as file,
    file_sha,
    what,
    count(*)                         as rows,
    min(line)                        as first_line,
    bool_or(arrived < $first)        as stopped      -- of a day over its threshold: nothing else of it was stored
from ingest.quarantine
where ($day::date is null or day = $day)
  and ($reason::varchar is null or reason = $reason)
  and ($name::varchar is null or file_name = $name or starts_with(file_sha, $name))
group by all
order by day desc, rows desc, reason, file, file_sha, what;
