-- Rows that are open no more leave the quarantine with their texts. Those that a mended file brought in good are remembered without.
-- reads: closing (registered: file_sha, line, what, event_id, solved)   writes: ingest.solved, ingest.quarantine
insert into ingest.solved by name
select
    q.day,
    q.file_sha,
    q.file_name,
    q.line,
    q.what,
    q.reason,
    $solved_by::varchar as solved_by,
    $logs_id::varchar   as logs_id,
    now()               as solved_at
from ingest.quarantine as q
semi join closing as c
    on q.file_sha = c.file_sha and q.line = c.line and q.what = c.what and q.event_id is not distinct from c.event_id and c.solved;

delete from ingest.quarantine
where exists (
    select 1 from closing as c
    where quarantine.file_sha = c.file_sha and quarantine.line = c.line and quarantine.what = c.what
      and quarantine.event_id is not distinct from c.event_id
);
