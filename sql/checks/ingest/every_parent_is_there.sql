-- A message whose parent is missing has no context.
with arrived as (
    select conversation_id, message_id, parent_id from ingest.messages where day = $day
)
select a.conversation_id, a.message_id, a.parent_id
from arrived as a
anti join (
    select m.conversation_id, m.message_id
    from ingest.messages as m
    semi join arrived using (conversation_id)
) as p on p.conversation_id = a.conversation_id and p.message_id = a.parent_id
where a.parent_id is not null;
