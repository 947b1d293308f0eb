-- DuckLake has no keys: a conversation that stands twice would be mined twice.
-- Eight bytes a conversation stay in memory; only what is equal there is looked at in full.
with arrived as (
    select conversation_id, hash(conversation_id) as key
    from ingest.conversations
    where hash(conversation_id) in (select hash(conversation_id) from ingest.conversations where arrived >= $first)
),
doubtful as (
    select key from arrived group by key having count(*) > 1
)
select conversation_id, count(*) as times
from arrived
semi join doubtful using (key)
group by conversation_id
having count(*) > 1;
