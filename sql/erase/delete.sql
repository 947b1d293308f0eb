-- The rows go. Feedback that waits for a conversation, and what was refused, go by their day where they are too old to keep.
-- Tombstones whose texts alone are erased keep their row.
-- reads: gone_users, gone_conversations, buried (registered)
-- writes: ingest.conversations, ingest.messages, ingest.feedback, ingest.quarantine
create or replace temp table whole as
select conversation_id
from gone_conversations
anti join buried using (conversation_id);

delete from ingest.feedback
where conversation_id in (select conversation_id from whole)
   or user_hash in (select user_hash from gone_users)
   or (day < $before and conversation_id not in (select conversation_id from ingest.conversations));

delete from ingest.messages
where conversation_id in (select conversation_id from whole);

delete from ingest.conversations
where conversation_id in (select conversation_id from whole);

delete from ingest.quarantine
where conversation_id in (select conversation_id from whole)
   or user_hash in (select user_hash from gone_users)
   or day < $before;

drop table whole;
