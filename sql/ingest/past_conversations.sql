-- What is known of conversations that a batch brings again: a later call tells their history without its times.
-- grain: one row per conversation
-- reads: asked_conversations (registered), ingest.conversations
select
    c.conversation_id,
    c.app,
    c.model,
    c.metadata,
    case when not list_contains(c.flags, 'started_at derived') then c.started_at end as started_at
from ingest.conversations as c
semi join asked_conversations using (conversation_id)
where c.consent;
