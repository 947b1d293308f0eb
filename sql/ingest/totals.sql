-- What one batch brought, in rows.
-- reads: ingest.conversations, ingest.feedback
select
    (select count(*) from ingest.conversations where arrived >= $first and consent)     as conversations,
    (select count(*) from ingest.conversations where arrived >= $first and not consent) as tombstones,
    (select count(*) from ingest.feedback where arrived >= $first)                      as events;
