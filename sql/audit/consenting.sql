-- Which of some conversations may be shown to a person: those that are still here and whose consent stands.
-- grain: one row per conversation
-- reads: ingest.conversations, audited (registered)
select c.conversation_id
from ingest.conversations as c
semi join audited as a using (conversation_id)
where c.consent;
