-- Which app some conversations came from: the same act means other things in other apps.
-- grain: one row per conversation
-- reads: ingest.conversations, audited (registered)
select c.conversation_id, c.app
from ingest.conversations as c
semi join audited as a using (conversation_id)
where c.consent;
