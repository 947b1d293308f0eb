-- What the erased people wrote and were answered.
-- grain: one row per text
-- reads: gone_users, gone_conversations (registered), ingest.messages, ingest.feedback
select distinct content as text
from ingest.messages
where conversation_id in (select conversation_id from gone_conversations)
  and role <> 'system'
  and content is not null
union
select distinct f.text
from ingest.feedback as f
where f.text is not null
  and (
      f.user_hash in (select user_hash from gone_users)
      or f.conversation_id in (select conversation_id from gone_conversations)
  );
