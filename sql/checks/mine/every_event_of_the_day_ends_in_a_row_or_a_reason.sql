-- Nothing that a user said vanishes without a word.
select s.conversation_id, s.event_id
from mine.states as s
anti join outcomes as o
    on o.conversation_id = s.conversation_id and o.event_id = s.event_id
where s.day = $day;
