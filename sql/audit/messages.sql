-- What was said in some conversations; branches are told apart by parent_id.
-- grain: one row per message
-- reads: ingest.messages, audited (registered)
select
    m.conversation_id,
    m.message_id,
    m.parent_id,
    m.role,
    m.content,
    m.tool_calls,
    m.tool_call_id,
    m.name
from ingest.messages as m
semi join audited as a using (conversation_id)
order by m.conversation_id, m.position, m.message_id;
