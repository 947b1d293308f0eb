-- A message whose parent is missing has no context. Rows that this transaction brings have no version of the lake yet.
-- Eight bytes a message stay in memory, however long the ids are.
with arrived as (
    select conversation_id, message_id, parent_id
    from ingest.messages
    where snapshot_id is null and parent_id is not null
)
select a.conversation_id, a.message_id, a.parent_id
from arrived as a
where hash(a.conversation_id, a.parent_id) not in (
    select hash(m.conversation_id, m.message_id)
    from ingest.messages as m
    where hash(m.conversation_id) in (select hash(conversation_id) from arrived)
);
