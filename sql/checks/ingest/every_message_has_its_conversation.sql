-- A message without its conversation has no user, no consent and no day. Rows that this transaction brings have no version of the lake yet.
select m.conversation_id, m.message_id
from ingest.messages as m
anti join ingest.conversations as c using (conversation_id)
where m.snapshot_id is null;
