-- Digests of rows of the draft that are in no file.
-- reads: arriving (registered)   writes: draft_conversations
insert into draft_conversations by name
select conversation_id, digest, consent, $step::bigint as step
from arriving;
