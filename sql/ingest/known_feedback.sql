-- Every state of every event that is there already, also of events that wait for their conversation.
-- reads: asked (registered), ingest.feedback
select f.conversation_id, f.event_id, f.digest
from ingest.feedback as f
semi join asked using (conversation_id);
