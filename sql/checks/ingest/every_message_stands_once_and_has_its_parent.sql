-- DuckLake has no keys: a message that stands twice would double its context, and one whose parent is missing has none.
-- One scan answers both: ids as eight bytes, counted where they stand and where they are named. Only what is equal there is looked at in full.
-- Run once for each of $parts parts of the conversations, so that memory does not grow with the batch. Numbers are typed, or DuckDB would
-- divide in 128 bits, at eight times the cost. Rows that this transaction brings have no version of the lake yet.
with said as not materialized (
    select
        conversation_id,
        message_id,
        parent_id,
        hash(conversation_id, message_id) as key,
        case when parent_id is not null then hash(conversation_id, parent_id) end as parent_key
    from ingest.messages
    where hash(conversation_id) % $parts::ubigint = $part::ubigint
      and hash(conversation_id) in (
          select hash(conversation_id)
          from ingest.conversations
          where arrived >= $first and hash(conversation_id) % $parts::ubigint = $part::ubigint
          union
          select hash(conversation_id)
          from ingest.messages
          where snapshot_id is null and hash(conversation_id) % $parts::ubigint = $part::ubigint
      )
),
doubtful as (
    select key, sum(stands) as times
    from (select unnest([key, parent_key]) as key, unnest([1, 0]) as stands from said)
    where key is not null
    group by key
    having sum(stands) <> 1
)
select conversation_id, message_id, parent_id, 'stands twice' as why
from said
semi join (select key from doubtful where times > 1) using (key)
group by all
having count(*) > 1
union all
select conversation_id, message_id, parent_id, 'its parent is missing'
from said
semi join (select key as parent_key from doubtful where times = 0) using (parent_key);
