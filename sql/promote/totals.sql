-- How much the lake holds, for `equipoise status`.
-- grain: one row in all
-- reads: ingest.conversations, ingest.messages, ingest.feedback, ingest.quarantine
select
    (select count(*) from ingest.conversations)                     as conversations,
    (select count(*) from ingest.conversations where not consent)   as tombstones,
    (select count(*) from ingest.messages)                          as messages,
    (select count(*) from ingest.feedback where "current")          as feedback,
    (select count(*) from ingest.quarantine)                        as quarantined;
