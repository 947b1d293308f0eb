-- What the lake holds of the conversations that a chunk of lines speaks of.
-- reads: asked (registered), ingest.conversations
select c.conversation_id, c.digest, c.consent
from ingest.conversations as c
semi join asked using (conversation_id);
