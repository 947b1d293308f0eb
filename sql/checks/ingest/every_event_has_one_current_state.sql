-- The newest word of an event is the one that counts: none current and it is lost, two and it counts twice.
select f.conversation_id, f.event_id, count(*) filter (f.current) as current_states
from ingest.feedback as f
where f.conversation_id in (select conversation_id from ingest.feedback where arrived >= $first)
group by f.conversation_id, f.event_id
having count(*) filter (f.current) <> 1;
