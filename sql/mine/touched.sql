-- Conversations with feedback in which something is new on this day: an event, the conversation, or a message (a reply may prove an
-- older signal). Nothing else of the lake is read.
-- grain: one row per conversation
-- reads: ingest.conversations, ingest.messages, ingest.feedback   writes: mine.touched
create or replace table mine.touched as
with news as (
    select conversation_id from ingest.feedback where day = $day
    union
    select conversation_id from ingest.conversations where day = $day
    union
    select conversation_id from ingest.messages where day = $day
)
select c.conversation_id
from ingest.conversations as c
semi join news using (conversation_id)
semi join (select conversation_id from ingest.feedback where current) as voiced using (conversation_id)
where $only is null
   or c.app = $only;
