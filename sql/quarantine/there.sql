-- Which of these conversations the lake knows, by a line of their own or by an event that came before it.
-- reads: asked (registered), ingest.conversations, ingest.feedback
select c.conversation_id
from ingest.conversations as c
semi join asked using (conversation_id)
union
select f.conversation_id
from ingest.feedback as f
semi join asked using (conversation_id);
