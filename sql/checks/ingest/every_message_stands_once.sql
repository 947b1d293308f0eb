-- DuckLake has no keys: a message that stands twice would double its context.
select m.conversation_id, m.message_id, count(*) as times
from ingest.messages as m
where m.conversation_id in (select conversation_id from ingest.conversations where arrived >= $first)
group by m.conversation_id, m.message_id
having count(*) > 1;
