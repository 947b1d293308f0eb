-- The same of rows that lie in files which no table knows yet: digests and places, no text.
-- reads: asked (registered), the files named
select columns(c -> c in ('conversation_id', 'message_id', 'event_id', 'digest', 'consent', 'position'))
from read_parquet($paths)
semi join asked using (conversation_id);
