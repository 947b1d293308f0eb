-- DuckLake has no keys: a message that stands twice would double its context.
-- Eight bytes a message stay in memory, however long the ids are; only what is equal there is looked at in full.
with arrived as (
    select m.conversation_id, m.message_id, hash(m.conversation_id, m.message_id) as key
    from ingest.messages as m
    where hash(m.conversation_id) in (select hash(conversation_id) from ingest.conversations where arrived >= $first)
),
doubtful as (
    select key from arrived group by key having count(*) > 1
)
select a.conversation_id, a.message_id, count(*) as times
from arrived as a
semi join doubtful using (key)
group by a.conversation_id, a.message_id
having count(*) > 1;
