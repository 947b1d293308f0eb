-- Whether anything waits or was refused for longer than it may be kept.
-- grain: one row in all
-- reads: ingest.conversations, ingest.feedback, ingest.quarantine
select
    (select count(*) from ingest.quarantine where day < $before)
    + (
        select count(*)
        from ingest.feedback
        where day < $before and conversation_id not in (select conversation_id from ingest.conversations)
    ) as n;
