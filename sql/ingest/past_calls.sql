-- What calls of earlier batches became: their conversation, and their answer where they had one.
-- Looks through the metadata of every conversation that was made of calls; asked only when feedback came without its call.
-- grain: one row per call and conversation
-- reads: asked_calls (registered), ingest.conversations
with made_of_calls as (
    select
        c.conversation_id,
        unnest(map_entries(cast(json_extract(c.metadata, '$.calls') as map(varchar, varchar)))) as call
    from ingest.conversations as c
    where c.consent
      and contains(c.metadata, '"calls":{')
)
select
    m.call.key     as call,
    m.conversation_id,
    m.call.value   as message_id
from made_of_calls as m
where m.call.key in (select a.call from asked_calls as a);
