-- The day is the partition: a row without one would never be mined.
select 'conversation' as place, conversation_id from ingest.conversations where arrived >= $first and day is null
union all
select 'feedback', conversation_id from ingest.feedback where arrived >= $first and (day is null or day <> $day)
union all
select 'quarantine', file_name from ingest.quarantine where arrived >= $first and (day is null or day <> $day);
