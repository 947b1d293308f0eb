-- What the erased users said about conversations of others, what anybody said about theirs, and what has waited for a conversation for too
-- long: event by event.
-- grain: one row per event
-- reads: gone_users, gone_conversations (registered), ingest.conversations, ingest.feedback, ingest.quarantine
select distinct f.conversation_id, f.event_id
from ingest.feedback as f
where f.user_hash in (select user_hash from gone_users)
   or f.conversation_id in (select conversation_id from gone_conversations)
   or (f.day < $before and f.conversation_id not in (select conversation_id from ingest.conversations))
union
select distinct q.conversation_id, q.event_id
from ingest.quarantine as q
where q.event_id is not null
  and (
      q.user_hash in (select user_hash from gone_users)
      or q.conversation_id in (select conversation_id from gone_conversations)
  );
