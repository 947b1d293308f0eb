-- Heads of the touched conversations; of a tombstone there is only the id.
-- grain: one row per conversation
-- reads: mine.touched, ingest.conversations
select
    c.conversation_id,
    c.day,
    c.user_hash,
    c.app,
    c.locale,
    c.metadata,
    c.consent
from ingest.conversations as c
semi join mine.touched using (conversation_id)
order by c.conversation_id;
