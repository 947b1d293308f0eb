-- A message was exported again with other content or at another place. A link once known is not lost to a shorter export.
-- reads: arriving (registered)   writes: ingest.messages
merge into ingest.messages as m
using arriving as a
on m.conversation_id = a.conversation_id and m.message_id = a.message_id
when matched then update set
    parent_id    = coalesce(a.parent_id, m.parent_id),
    position     = a.position,
    role         = a.role,
    content      = a.content,
    parts        = a.parts,
    tool_calls   = a.tool_calls,
    tool_call_id = a.tool_call_id,
    name         = a.name,
    model        = a.model,
    created_at   = a.created_at,
    flags        = a.flags,
    digest       = a.digest;
