-- Files with feedback on calls that had not come, and that other batches have followed: they are read again when they are named again.
-- grain: one row per file
-- reads: ingest.quarantine
select q.file_sha
from ingest.quarantine as q
where q.reason = $reason
group by q.file_sha
having not bool_or(q.arrived // $room = $newest);
