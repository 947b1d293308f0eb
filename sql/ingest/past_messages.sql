-- Times and models of messages that a batch brings again, where the log that brought them first had said them.
-- grain: one row per message
-- reads: asked_conversations (registered), ingest.messages
select
    m.conversation_id,
    m.message_id,
    m.model,
    case when not list_has_any(m.flags, ['created_at derived', 'created_at replaced']) then m.created_at end as created_at
from ingest.messages as m
semi join asked_conversations using (conversation_id);
