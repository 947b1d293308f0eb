-- A tombstone holds ids only and is never mined.
select t.example_id, t.conversation_id
from taught as t
inner join ingest.conversations as c using (conversation_id)
where not c.consent;
