-- The refusals of one batch, without their texts: a sealed folder cannot forget, the lake can.
-- reads: ingest.quarantine
select file_name as file, file_sha, line, byte, what, event_id, reason
from ingest.quarantine
where arrived >= $first and arrived < $next
order by file, line, arrived;
