-- Conversations in which somebody complained of an answer on the day: with or without an event, they go before the judge.
-- grain: one row per conversation
-- reads: mine.implicit, mine.followups   writes: mine.touched
create or replace table mine.touched as
select distinct i.conversation_id
from mine.implicit as i
inner join mine.followups as f using (conversation_id, message_id)
where i.emitted
  and f.day = $day
  and list_contains($against, i.signal);
