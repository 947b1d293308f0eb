select m.conversation_id, m.message_id, m.parent_id
from ingest.messages as m
anti join ingest.messages as p on p.conversation_id = m.conversation_id and p.message_id = m.parent_id
where m.day = $day and m.parent_id is not null;
