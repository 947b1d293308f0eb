-- The files that brought what goes: copies of them outside home are the operator's to clean.
-- grain: one row per file
-- reads: gone_conversations, gone_users (registered), ingest.conversations, ingest.quarantine
select file_sha
from ingest.conversations
where conversation_id in (select conversation_id from gone_conversations)
union
select file_sha
from ingest.quarantine
where conversation_id in (select conversation_id from gone_conversations)
   or user_hash in (select user_hash from gone_users);
