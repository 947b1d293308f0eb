-- What the quarantine needs beside its rows: how the logs looked day by day, and what became of lines that were mended.

-- grain: one row per batch
create table if not exists ingest.profiles (
    day     date,
    logs_id varchar,
    profile varchar       -- JSON: app: {lines, squares, paths: {path: {"": lines, type: lines}}}; keys and types only, rare ones left out
);

-- grain: one row per refused line or event that a later file brought in good; its row left ingest.quarantine, and its text with it
create table if not exists ingest.solved (
    day       date,       -- of the row that was solved
    file_sha  varchar,
    file_name varchar,
    line      bigint,
    what      varchar,
    reason    varchar,
    solved_by varchar,    -- the file that brought it, by sha256
    logs_id   varchar,    -- the batch that was newest then
    solved_at timestamptz
);
