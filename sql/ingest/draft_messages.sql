-- Digests of rows of the draft that are in no file.
-- reads: arriving (registered)   writes: draft_messages
insert into draft_messages by name
select conversation_id, message_id, digest, position, $step::bigint as step
from arriving;
