-- How much of the lake an erasure takes. Tombstones whose texts alone are erased keep their row.
-- grain: one row in all
-- reads: gone_users, gone_conversations, buried (registered), ingest.conversations, ingest.messages, ingest.feedback, ingest.quarantine
with whole as (
    select conversation_id
    from gone_conversations
    anti join buried using (conversation_id)
)
select
    (select count(*) from ingest.conversations where conversation_id in (select conversation_id from whole)) as conversations,
    (select count(*) from ingest.messages where conversation_id in (select conversation_id from whole))      as messages,
    (
        select count(*)
        from ingest.feedback
        where conversation_id in (select conversation_id from whole)
           or user_hash in (select user_hash from gone_users)
           or (day < $before and conversation_id not in (select conversation_id from ingest.conversations))
    )                                                                                                        as feedback,
    (
        select count(*)
        from ingest.quarantine
        where conversation_id in (select conversation_id from whole)
           or user_hash in (select user_hash from gone_users)
           or day < $before
    )                                                                                                        as quarantined;
