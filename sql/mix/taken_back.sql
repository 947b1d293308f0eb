-- What was said once and taken back since: conversations without consent, and thumbs whose last state is none.
-- Pairs sealed before that day still hold rows of them; a lesson leaves those out.
-- grain: one row per conversation (message_id null), or per user and message
-- reads: ingest.conversations, ingest.feedback
select
    conversation_id,
    null::varchar as message_id,
    null::varchar as user_hash
from ingest.conversations
where not consent
union all
select
    f.conversation_id,
    f.message_id,
    coalesce(f.user_hash, c.user_hash) as user_hash
from ingest.feedback as f
inner join ingest.conversations as c using (conversation_id)
where f.kind = 'thumb'
  and f.current
qualify row_number() over (
    partition by f.conversation_id, f.message_id, coalesce(f.user_hash, c.user_hash)
    order by f.created_at desc, f.arrived desc
) = 1 and f.value = 'none'
order by all;
