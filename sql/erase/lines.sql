-- Lines that were refused whole: a conversation that never got in may still be named by its user.
-- grain: one row per conversation and user of a refused line
-- reads: ingest.quarantine
select distinct conversation_id, user_hash
from ingest.quarantine
where what = 'line'
  and conversation_id is not null
  and user_hash is not null;
