-- The open rows of some files without their texts, to be compared with what a mended file brings.
-- grain: one row per refused line or event
-- reads: ingest.quarantine, asked (registered)
select q.day, q.file_sha, q.file_name as file, q.line, q.what, q.event_id, q.reason, q.conversation_id
from ingest.quarantine as q
semi join asked on q.file_sha = asked.file_sha
order by q.file_sha, q.line, q.arrived;
