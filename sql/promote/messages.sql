-- The messages of one conversation in their order; branches are told apart by parent_id.
-- grain: one row per message
-- reads: ingest.messages
select
    message_id,
    parent_id,
    role,
    content,
    tool_calls,
    tool_call_id,
    name,
    model,
    cast(created_at as varchar) as created_at
from ingest.messages
where conversation_id = $conversation
order by position, message_id;
