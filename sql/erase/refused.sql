-- The refused lines that go, by file and line: their sealed account keeps the line and loses its ids.
-- grain: one row per refused line or event
-- reads: gone_users, gone_conversations (registered), ingest.quarantine
select distinct file_sha, line, what
from ingest.quarantine
where conversation_id in (select conversation_id from gone_conversations)
   or user_hash in (select user_hash from gone_users)
   or day < $before;
