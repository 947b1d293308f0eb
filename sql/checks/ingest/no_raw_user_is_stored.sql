-- Users are known by a keyed hash: 64 hex digits.
select conversation_id, left(user_hash, 8) as begins
from (
    select conversation_id, user_hash from ingest.conversations where arrived >= $first
    union all
    select conversation_id, user_hash from ingest.feedback where arrived >= $first
)
where user_hash is not null and not regexp_full_match(user_hash, '[0-9a-f]{64}');
