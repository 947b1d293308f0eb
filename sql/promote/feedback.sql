-- What users said about one conversation, each event in its last state.
-- grain: one row per event
-- reads: ingest.feedback
select
    event_id,
    message_id,
    kind,
    value,
    max,
    text,
    reasons,
    over,
    source,
    derived,
    cast(day as varchar)        as day,
    cast(created_at as varchar) as created_at
from ingest.feedback
where conversation_id = $conversation
  and "current"
order by created_at, event_id;
