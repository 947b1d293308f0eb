-- One conversation, as the lake has it now, and the line of the log that said so last.
-- grain: one row per conversation, none where the id is unknown
-- reads: ingest.conversations
select
    conversation_id,
    cast(day as varchar)        as day,
    app,
    model,
    locale,
    cast(started_at as varchar) as started_at,
    consent,
    file_sha,
    line,
    flags
from ingest.conversations
where conversation_id = $conversation;
