-- A message without its conversation has no user, no consent and no day. Rows that this transaction brings have no version of the lake yet.
-- Eight bytes a conversation stay in memory, however long the ids are.
select m.conversation_id, m.message_id
from ingest.messages as m
where m.snapshot_id is null
  and hash(m.conversation_id) not in (select hash(conversation_id) from ingest.conversations);
