-- The log lines behind some conversations: where a model's rows came from.
-- grain: one row per conversation
-- reads: ingest.conversations
select
    conversation_id,
    cast(day as varchar) as day,
    file_sha,
    line,
    consent
from ingest.conversations
where list_contains($conversations, conversation_id)
order by day, conversation_id;
