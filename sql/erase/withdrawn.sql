-- Tombstones: their texts left the newest version of the lake when consent was refused; older versions and folders may still hold some.
-- grain: one row per conversation
-- reads: ingest.conversations
select conversation_id
from ingest.conversations
where not consent;
