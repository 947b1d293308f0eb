-- Digests of rows of the draft that are in no file.
-- reads: arriving (registered)   writes: draft_feedback
insert into draft_feedback by name
select conversation_id, event_id, digest, $step::bigint as step
from arriving;
