-- Words that stand in somebody else's conversation or feedback too: they are theirs, and stay where they are.
-- grain: one row per text
-- reads: asked, gone_users, gone_conversations (registered), ingest.messages, ingest.feedback
select content as text
from ingest.messages
semi join asked on asked.text = content
where conversation_id not in (select conversation_id from gone_conversations)
union
select f.text
from ingest.feedback as f
semi join asked on asked.text = f.text
where f.conversation_id not in (select conversation_id from gone_conversations)
  and (f.user_hash is null or f.user_hash not in (select user_hash from gone_users));
