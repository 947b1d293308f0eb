-- Whether a batch that committed while this one was made brought anything of a conversation that this one speaks of.
-- Lines of a day that was stopped belong to no batch, and stand in block 0.
-- grain: one row if so, none if not
-- reads: touched, ingest.conversations, ingest.feedback, ingest.quarantine
with brought as (
    select conversation_id, arrived from ingest.conversations where arrived >= $first and arrived < $next
    union all
    select conversation_id, arrived from ingest.feedback where arrived >= $first and arrived < $next
    union all
    select conversation_id, arrived from ingest.quarantine
    where arrived >= $first and arrived < $next and conversation_id is not null
)

select 1 as found
from brought
where list_contains($blocks, arrived // $room)
  and hash(conversation_id) in (select conversation from touched)
union all
select 1
from ingest.quarantine
where arrived < $room
  and snapshot_id > $snapshot
  and hash(conversation_id) in (select conversation from touched)
limit 1;
