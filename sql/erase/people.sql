-- Every user that the lake knows, by hash.
-- grain: one row per user
-- reads: ingest.conversations, ingest.feedback, ingest.quarantine
select user_hash from ingest.conversations where user_hash is not null
union
select user_hash from ingest.feedback where user_hash is not null
union
select user_hash from ingest.quarantine where user_hash is not null;
