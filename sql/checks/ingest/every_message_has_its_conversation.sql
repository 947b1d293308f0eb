-- A message without its conversation has no user, no consent and no day.
select m.conversation_id, m.message_id
from ingest.messages as m
anti join ingest.conversations as c using (conversation_id)
where m.day = $day;
