-- DuckLake has no keys: a conversation that stands twice would be mined twice.
select conversation_id, count(*) as times
from ingest.conversations
where conversation_id in (select conversation_id from ingest.conversations where arrived >= $first)
group by conversation_id
having count(*) > 1;
