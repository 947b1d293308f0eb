-- Open rows themselves, newest first.
-- grain: one row per refused line or event
-- reads: ingest.quarantine
select
    cast(day as varchar)      as day,
    file_name                 as file,
    file_sha,
    line,
    byte,
    what,
    event_id,
    reason,
    text,
    conversation_id
from ingest.quarantine
where ($day::date is null or day = $day)
  and ($reason::varchar is null or reason = $reason)
  and ($name::varchar is null or file_name = $name or starts_with(file_sha, $name))
  and ($line::bigint is null or line = $line)
order by day desc, arrived desc, file_sha, line desc
limit $most;
