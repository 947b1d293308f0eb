-- Messages of the touched conversations, in the order in which they were logged.
-- grain: one row per message
-- reads: mine.touched, ingest.conversations, ingest.messages
select
    m.conversation_id,
    m.message_id,
    m.parent_id,
    m.position,
    m.role,
    m.content,
    m.parts,
    m.tool_calls,
    m.tool_call_id,
    m.name,
    m.day,
    epoch_us(m.created_at) as micros
from ingest.messages as m
semi join mine.touched using (conversation_id)
inner join ingest.conversations as c using (conversation_id)
where c.consent
  and m.day <= $day
order by m.conversation_id, m.position, m.message_id;
