-- Digests of the messages that are there already.
-- reads: asked (registered), ingest.messages
select m.conversation_id, m.message_id, m.digest, m.position
from ingest.messages as m
semi join asked using (conversation_id);
