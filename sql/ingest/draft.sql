-- What one batch has in mind, in this process's memory: the conversations it spoke of, and the digests of what it will write to them.
create or replace temp table touched (conversation ubigint);

create or replace temp table draft_conversations (conversation_id varchar, digest varchar, consent boolean, step bigint);

create or replace temp table draft_messages (conversation_id varchar, message_id varchar, digest varchar, position integer, step bigint);

create or replace temp table draft_feedback (conversation_id varchar, event_id varchar, digest varchar, step bigint);
