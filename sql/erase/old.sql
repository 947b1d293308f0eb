-- Conversations that nothing has reached for too long: the age is that of the last batch that brought anything of them.
-- grain: one row per conversation
-- reads: ingest.conversations, ingest.feedback, ingest.batches
with arrivals as (
    select conversation_id, arrived from ingest.conversations
    union all
    select conversation_id, arrived from ingest.feedback
),

newest as (
    select conversation_id, max(arrived) // $room as block
    from arrivals
    group by conversation_id
)

select n.conversation_id
from newest as n
semi join ingest.conversations using (conversation_id)
inner join ingest.batches as b on n.block = coalesce(b.block, b.number)
where b.day < $before;
