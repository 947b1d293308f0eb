-- The day is the partition: a row without one would never be mined. Later places may hold another day's batch, committed before this one.
select 'conversation' as place, conversation_id from ingest.conversations where arrived >= $first and day is null
union all
select 'feedback', conversation_id
from ingest.feedback
where arrived >= $first and arrived < $next and (day is null or day <> $day)
union all
select 'quarantine', file_name
from ingest.quarantine
where arrived >= $first and arrived < $next and (day is null or day <> $day);
