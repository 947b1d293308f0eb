-- A conversation was exported again: what it says now replaces what it said, its day stays, and silence takes nothing away.
-- A tombstone keeps its ids and loses the rest.
-- reads: arriving (registered)   writes: ingest.conversations
merge into ingest.conversations as c
using arriving as a
on c.conversation_id = a.conversation_id
when matched then update set
    user_hash  = coalesce(a.user_hash, c.user_hash),
    app        = case when a.consent then coalesce(a.app, c.app) end,
    model      = case when a.consent then coalesce(a.model, c.model) end,
    locale     = case when a.consent then coalesce(a.locale, c.locale) end,
    started_at = case when a.consent then a.started_at end,
    consent    = a.consent,
    metadata   = case when a.consent then coalesce(a.metadata, c.metadata) end,
    digest     = a.digest,
    file_sha   = a.file_sha,
    line       = a.line,
    flags      = a.flags,
    arrived    = a.arrived;
