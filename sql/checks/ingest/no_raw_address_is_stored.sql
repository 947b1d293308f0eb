-- A plain pattern, other than the one that replaces: two that agree are better evidence than one.
-- Rows that this transaction brings have no version of the lake yet.
with texts as (
    select conversation_id, content as text from ingest.messages where snapshot_id is null
    union all
    select conversation_id, text from ingest.feedback where arrived >= $first and snapshot_id is null
    union all
    select conversation_id, metadata from ingest.conversations where arrived >= $first and snapshot_id is null
    union all
    select conversation_id, text from ingest.quarantine where arrived >= $first and snapshot_id is null
)
select conversation_id, 'e-mail' as what
from texts
where contains(text, '@')
  and regexp_matches(text, '(^|[\s<("''])[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}($|[\s>)"'',;])');
