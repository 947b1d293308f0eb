-- Every conversation that the lake knows by name, and whose it is; one that only waits with its feedback has no owner yet.
-- grain: one row per conversation
-- reads: ingest.conversations, ingest.messages, ingest.feedback, ingest.quarantine
select conversation_id, user_hash, consent
from ingest.conversations
union all
select distinct conversation_id, null::varchar as user_hash, null::boolean as consent
from (
    select conversation_id from ingest.messages
    union
    select conversation_id from ingest.feedback
    union
    select conversation_id from ingest.quarantine where conversation_id is not null
)
anti join ingest.conversations using (conversation_id);
