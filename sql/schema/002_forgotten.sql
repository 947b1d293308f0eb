-- Who and what was erased, as keyed hashes of what the lake once held: enough to refuse it when it comes again, not enough to name it.

create schema if not exists erase;

-- grain: one row per erased user or conversation
create table if not exists erase.forgotten (
    what    varchar,              -- user | conversation | withdrawn (its text only: the tombstone stays)
    mark    varchar,              -- HMAC-SHA256 of the stored user hash, or of the conversation id, each under a label of its own
    receipt varchar,              -- erasure-…: the receipt in home/erasures
    marked_at timestamptz         -- `at` is a word of the lake's own SQL
);
