-- What the logs said, after validation and with personal data replaced. DuckLake has no keys: sql/checks/ingest/ holds the rules.
-- `day` is the day of the batch that brought the row, never an event's own time, so a sealed day does not change.

create schema if not exists ingest;

-- grain: one row per conversation, its newest content; `day` is that of its first arrival and never moves
-- consent = false is a tombstone: ids only, no messages, no text
create table if not exists ingest.conversations (
    day             date,
    conversation_id varchar,
    user_hash       varchar,      -- HMAC-SHA256 of the log's user id, null where the log names none
    app             varchar,
    model           varchar,
    locale          varchar,
    started_at      timestamptz,
    consent         boolean,
    metadata        varchar,      -- JSON object
    digest          varchar,      -- of what the last arrival said beside its messages and feedback
    file_sha        varchar,      -- the file and physical line of the last arrival
    line            bigint,
    flags           varchar[],    -- what was derived or replaced, by name
    arrived         bigint        -- order of the last arrival in the lake: batch number x 10^9 + place in the batch
);
alter table ingest.conversations set partitioned by (day);

-- grain: one row per message of a conversation
create table if not exists ingest.messages (
    day             date,
    conversation_id varchar,
    message_id      varchar,
    parent_id       varchar,      -- null at a root; siblings are regenerated answers
    position        integer,      -- order in the conversation, from 0
    role            varchar,
    content         varchar,      -- text; null where an assistant only calls tools
    parts           varchar,      -- JSON list of typed parts, where the content was one
    tool_calls      varchar,      -- JSON list in the OpenAI shape
    tool_call_id    varchar,
    name            varchar,
    model           varchar,
    created_at      timestamptz,
    flags           varchar[],
    digest          varchar       -- of the original message: equal digest = unchanged
);
alter table ingest.messages set partitioned by (day);

-- grain: one row per state of an event; an update adds a row and takes `current` from the older one
create table if not exists ingest.feedback (
    day             date,         -- of the batch that brought this state
    conversation_id varchar,      -- may not have arrived yet: then the event waits here
    event_id        varchar,
    message_id      varchar,      -- null = about the whole conversation
    user_hash       varchar,      -- null = the conversation's user
    kind            varchar,
    value           varchar,      -- a rating's number as text
    max             double,
    text            varchar,
    reasons         varchar[],
    over            varchar[],
    span            integer[],    -- [start, end) in characters of the message
    source          varchar,      -- human | automatic
    derived         boolean,      -- an importer inferred the event
    created_at      timestamptz,
    arrived         bigint,
    current         boolean,
    digest          varchar,      -- of the original event; null once its conversation is a tombstone
    flags           varchar[]
);
alter table ingest.feedback set partitioned by (day);

-- grain: one row per refused line (what = 'line') or per refused event of a stored conversation (what = 'event')
create table if not exists ingest.quarantine (
    day       date,
    file_sha  varchar,
    file_name varchar,
    line      bigint,             -- physical, from 1
    byte      bigint,             -- offset in the line where known
    what      varchar,
    event_id  varchar,
    reason    varchar,
    text      varchar,            -- the line or event, personal data replaced; null where consent is denied or in doubt
    conversation_id varchar,      -- where it could be read, so that consent withdrawn and `forget` reach the text
    user_hash varchar,
    arrived   bigint
);
alter table ingest.quarantine set partitioned by (day);

-- grain: one row per ingest that changed something; what a killed run needs to seal the same id again
create table if not exists ingest.batches (
    logs_id   varchar,
    day       date,
    previous  varchar,            -- the logs id before this one, null for the first
    files     varchar,            -- JSON list of {name, sha256}
    counts    varchar,            -- JSON object, as in the manifest
    recipe    varchar,            -- JSON, verbatim
    reading   varchar,            -- digest of the rules that read the files: a file read by the same rules is not read twice
    number    bigint              -- 1 for the first batch; rows that it brought have arrived between number x 10^9 and the next
);
