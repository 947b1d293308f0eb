-- What the batches of some blocks brought, as sums that no order of rows and no order of batches changes.
-- grain: one row per kind of row
-- reads: ingest.conversations, ingest.messages, ingest.feedback, ingest.quarantine
with conversations as (
    select conversation_id, digest
    from ingest.conversations
    where arrived >= $first and arrived < $next and list_contains($blocks, arrived // $room)
),

brought as (
    select 'conversation' as kind, md5_number(concat_ws(chr(31), conversation_id, digest)) as sum
    from conversations
    union all
    select 'message', md5_number(concat_ws(chr(31), conversation_id, message_id, digest))
    from ingest.messages
    semi join conversations using (conversation_id)
    union all
    select 'event', md5_number(concat_ws(chr(31), conversation_id, event_id, digest, current))
    from ingest.feedback
    where arrived >= $first and arrived < $next and list_contains($blocks, arrived // $room)
    union all
    select 'refusal', md5_number(concat_ws(chr(31), file_sha, line, what, event_id, reason))
    from ingest.quarantine
    where arrived >= $first and arrived < $next and list_contains($blocks, arrived // $room)
)

select kind, count(*) as "rows", bit_xor(sum)::varchar as sum
from brought
group by kind
order by kind;
